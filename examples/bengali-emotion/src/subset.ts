import type { Dataset } from '@cq/core';

/** The examples of a dataset at some places, as a dataset. */
export function subset({ name, batches }: Dataset, places: readonly number[]): Dataset {
  const back = new Map(places.map((place, index) => [place, index]));
  return {
    name,
    size: places.length,
    async *batches(batchSize, indices = places.map((_, index) => index)) {
      const chosen = indices.map((index) => places[index]!);
      for await (const batch of batches(batchSize, chosen))
        yield batch.indices ? { ...batch, indices: batch.indices.map((place) => back.get(place)!) } : batch;
    },
  };
}
