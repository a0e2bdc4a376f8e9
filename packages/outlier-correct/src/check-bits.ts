/** The rule that one of these numbers of bits breaks; undefined if none does. */
export function checkBits(given: Readonly<Record<string, number>>): string | undefined {
  for (const [name, bits] of Object.entries(given)) {
    if (!Number.isInteger(bits) || bits < 2 || bits > 8) return `${name} must be 2 to 8, got ${bits}`;
  }
  return undefined;
}
