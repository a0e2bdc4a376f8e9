/**
 * The cell that v lies in: boundaries[i − 1] <= v < boundaries[i] of an ascending table, found by halves. NaN lies in the
 * first.
 */
export function cellOf(boundaries: Float32Array, v: number): number {
  let [first, last] = [0, boundaries.length];
  while (first < last) {
    const middle = (first + last) >> 1;
    if (v >= boundaries[middle]!) first = middle + 1;
    else last = middle;
  }
  return first;
}
