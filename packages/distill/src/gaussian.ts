import type { Random } from '@cq/core';

/** `count` numbers of a normal distribution around 0 (Box and Muller). */
export function gaussian(count: number, deviation: number, random: Random): Float32Array {
  const { sqrt, log, cos, PI } = Math;
  return Float32Array.from(
    { length: count },
    () => deviation * sqrt(-2 * log(1 - random.uniform())) * cos(2 * PI * random.uniform()),
  );
}
