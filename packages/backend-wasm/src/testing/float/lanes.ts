const { fround } = Math;

/**
 * Σ of a row as kernels take it: number i through lane i mod 4, the lanes in order, then (0 + 2) + (1 + 3); every sum
 * rounded to float32, or none (float64).
 */
export function laneSum(row: ArrayLike<number>, rounded: (x: number) => number = fround): number {
  const lanes = [0, 0, 0, 0];
  for (let i = 0; i < row.length; i++) lanes[i & 3] = rounded(lanes[i & 3]! + row[i]!);
  return rounded(rounded(lanes[0]! + lanes[2]!) + rounded(lanes[1]! + lanes[3]!));
}
