/** The least float32 that is at least `bound`, or above it if that is not included. */
export function leastFloat(bound: number, included: boolean): number {
  const nearest = Math.fround(bound);
  return nearest > bound || (nearest === bound && included) ? nearest : nextAbove(nearest);
}

function nextAbove(x: number): number {
  if (x === 0) return 2 ** -149;
  const bits = new Int32Array(Float32Array.of(x).buffer);
  bits[0]! += x > 0 ? 1 : -1;
  return new Float32Array(bits.buffer)[0]!;
}
