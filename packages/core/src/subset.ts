import type { Batch, Dataset } from './dataset.ts';
import { CqError } from './errors.ts';

/**
 * The examples of a dataset at `places`, all different, in this order, as a dataset that counts them from 0.
 * @throws CqError, from `batches` and `contents`, if an index is not from 0 to `places.length` − 1.
 */
export function subset(data: Dataset, places: readonly number[]): Dataset {
  const chosen = (indices?: readonly number[]): readonly number[] => {
    const outside = indices?.find((index) => places[index] === undefined);
    if (outside !== undefined) {
      throw new CqError(
        `${data.name}: an index must be from 0 to ${places.length - 1}, as it is a sample, got ${outside}`,
      );
    }
    return indices ? indices.map((index) => places[index]!) : places;
  };
  return {
    name: data.name,
    size: places.length,
    batches: (batchSize, indices) => within(data.batches(batchSize, chosen(indices)), places),
    ...(data.contents && { contents: (indices) => data.contents!(chosen(indices)) }),
  };
}

/** A batch that names its examples names them by their indices among the places. */
async function* within(batches: AsyncIterable<Batch>, places: readonly number[]): AsyncGenerator<Batch> {
  const indexOf = new Map(places.map((place, index) => [place, index]));
  for await (const batch of batches)
    yield batch.indices ? { ...batch, indices: batch.indices.map((place) => indexOf.get(place)!) } : batch;
}
