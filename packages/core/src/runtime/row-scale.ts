/** Smaller scales would leave float32's normal range; a row of zeros needs one too. */
export const SMALLEST_SCALE = 2 ** -100;

/**
 * The scale of a dynamic quantizer for one row of float32 values: fround(max |x| / (2^(bits−1) − 1)), so that the
 * largest value is the largest code. A row of zeros, or one with an infinity, gets the smallest scale; NaN counts as zero.
 */
export function rowScale(row: Float32Array, bits: number): number {
  let largest = 0;
  for (let i = 0; i < row.length; i++) {
    const size = row[i]! < 0 ? -row[i]! : row[i]!;
    if (size > largest) largest = size;
  }
  const scale = Math.fround(largest / (2 ** (bits - 1) - 1));
  return scale > SMALLEST_SCALE && scale < Infinity ? scale : SMALLEST_SCALE;
}
