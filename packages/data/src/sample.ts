import { CqError, subset, type Dataset } from '@cq/core';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/**
 * `count` different examples that the seed chooses, each set of them equally likely, in the order in which the dataset
 * has them; the whole dataset if it has no more than that.
 * @throws CqError if count is no whole number from 1, or seed no whole number.
 */
export function sample(dataset: Dataset, count: number, seed: number): Dataset {
  const indices = sampleIndices(dataset, count, seed);
  return indices.length === dataset.size ? dataset : subset(dataset, indices);
}

/** Which examples `sample` takes, ascending: the first steps of a Fisher-Yates shuffle, sorted. */
export function sampleIndices({ name, size }: Dataset, count: number, seed: number): readonly number[] {
  if (!Number.isInteger(count) || count < 1) {
    throw new CqError(`${name}: the number of examples must be a whole number from 1, got ${count}`);
  }
  if (!Number.isInteger(seed)) throw new CqError(`${name}: the seed must be a whole number, got ${seed}`);
  const indices = Array.from({ length: size }, (_, index) => index);
  if (count >= size) return indices;
  const random = xoroshiro128plus(seed);
  for (let i = 0; i < count; i++) {
    const other = uniformInt(random, i, size - 1);
    [indices[i], indices[other]] = [indices[other]!, indices[i]!];
  }
  return indices.slice(0, count).sort((a, b) => a - b);
}
