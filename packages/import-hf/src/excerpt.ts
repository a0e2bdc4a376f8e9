/** A value of JSON as errors show it. */
export function excerpt(value: unknown): string {
  try {
    const text = String(JSON.stringify(value));
    return text.length > 80 ? `${text.slice(0, 80)}…` : text;
  } catch {
    return 'something nested too deeply'; // JSON.parse has no limit of depth, JSON.stringify has the call stack's
  }
}
