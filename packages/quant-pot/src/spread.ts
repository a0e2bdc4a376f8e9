/** `count` of the indices 0 … size − 1, evenly spaced from `offset` of a step on; all if there are no more. */
export function spreadOver(size: number, count: number, offset = 0): readonly number[] {
  const step = Math.max(1, size / count);
  return Array.from({ length: Math.min(size, count) }, (_, i) => Math.min(size - 1, Math.floor((i + offset) * step)));
}
