import { CqError, type Batch, type Dataset } from '@cq/core';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/**
 * `count` different examples that the seed chooses, each set of them equally likely, in the order in which the dataset
 * has them; the whole dataset if it has no more than that.
 */
export function sample(dataset: Dataset, count: number, seed: number): Dataset {
  if (!Number.isInteger(count) || count < 1) {
    throw new CqError(`${dataset.name}: the number of examples must be a whole number from 1, got ${count}`);
  }
  if (!Number.isInteger(seed)) throw new CqError(`${dataset.name}: the seed must be a whole number, got ${seed}`);
  if (count >= dataset.size) return dataset;
  const chosen = choose(dataset.size, count, seed);
  const places = (indices: readonly number[] | undefined): readonly number[] => {
    const outside = indices?.find((index) => chosen[index] === undefined);
    if (outside !== undefined) {
      throw new CqError(`${dataset.name}: an index must be from 0 to ${count - 1}, as it is a sample, got ${outside}`);
    }
    return indices ? indices.map((index) => chosen[index]!) : chosen;
  };
  return {
    name: dataset.name,
    size: count,
    batches: (batchSize, indices) => within(dataset.batches(batchSize, places(indices)), chosen),
    ...(dataset.contents && { contents: (indices) => dataset.contents!(places(indices)) }),
  };
}

/** A batch that names its examples names them by their places in the sample. */
async function* within(batches: AsyncIterable<Batch>, chosen: readonly number[]): AsyncGenerator<Batch> {
  const places = new Map(chosen.map((index, place) => [index, place]));
  for await (const batch of batches) {
    const indices = batch.indices?.map((index) => places.get(index)!);
    yield indices ? { ...batch, indices } : batch;
  }
}

/** The first `count` steps of a Fisher-Yates shuffle of 0 … size − 1, sorted. */
function choose(size: number, count: number, seed: number): readonly number[] {
  const random = xoroshiro128plus(seed);
  const indices = Array.from({ length: size }, (_, index) => index);
  for (let i = 0; i < count; i++) {
    const other = uniformInt(random, i, size - 1);
    [indices[i], indices[other]] = [indices[other]!, indices[i]!];
  }
  return indices.slice(0, count).sort((a, b) => a - b);
}
