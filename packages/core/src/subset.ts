import type { Dataset } from './dataset.ts';

/** The examples of a dataset at `places`, all different, in this order, as a dataset that counts them from 0. */
export function subset(data: Dataset, places: readonly number[]): Dataset {
  const indexOf = new Map(places.map((place, index) => [place, index]));
  const all = places.map((_, index) => index);
  const chosen = (indices: readonly number[]) => indices.map((index) => places[index]!);
  return {
    name: data.name,
    size: places.length,
    async *batches(batchSize, indices = all) {
      for await (const batch of data.batches(batchSize, chosen(indices)))
        yield batch.indices ? { ...batch, indices: batch.indices.map((place) => indexOf.get(place)!) } : batch;
    },
    ...(data.contents && { contents: (indices = all) => data.contents!(chosen(indices)) }),
  };
}
