/** At most `count` of 0 … size − 1, evenly spaced; `phase` in [0, 1) moves them within their spacing. */
export function evenly(size: number, count: number, phase = 0): number[] {
  const length = Math.min(size, count);
  return Array.from({ length }, (_, i) => Math.floor(((i + phase) * size) / length));
}
