import type { Cells } from './cells.ts';
import { leastFloat } from './least-float.ts';

/**
 * Levels 2^−e and 0. `exponents` ascend, one for each code but the last, which is zero; code q ends where v = 2^−ends[q].
 * There the value goes to the even one of the two codes. Below 2^-64 all is zero, so that products with a scale stay normal.
 */
export function exponentialCells(exponents: readonly number[], ends: readonly number[]): Cells {
  const { fround } = Math;
  const powers = exponents.map((exponent) => (exponent > LAST ? 0 : fround(powerOfTwo(-exponent))));
  const boundaries = ends.map((end, code) => (end >= LAST ? 2 ** -LAST : leastFloat(powerOfTwo(-end), code % 2 === 0)));
  return { levels: Float32Array.of(0, ...powers.reverse()), boundaries: Float32Array.from(boundaries.reverse()) };
}

const LAST = 64;

/** 2^x by products and square roots, which every engine rounds alike; `2 ** x` is not one of them unless x is an integer. */
export function powerOfTwo(x: number): number {
  const whole = Math.floor(x);
  let [power, root] = [2 ** whole, 2];
  for (let fraction = x - whole; fraction > 0; fraction = (2 * fraction) % 1) {
    root = Math.sqrt(root);
    if (fraction >= 0.5) power *= root;
  }
  return power;
}
