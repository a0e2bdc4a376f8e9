/** How many times as large as the median something is that counts as an outlier. */
const FAR = 6;

/** Places of the sizes that are far beyond their median. */
export function outliersAmong(sizes: ArrayLike<number>): readonly number[] {
  const sorted = Float64Array.from(sizes).sort();
  const bar = FAR * sorted[sorted.length >> 1]!;
  return Array.from(sizes, (size, i) => (size > bar ? i : -1)).filter((i) => i >= 0);
}
