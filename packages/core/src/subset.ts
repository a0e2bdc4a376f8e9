import type { Dataset } from './dataset.ts';

/** The examples of a dataset at `indices`, in this order, as a dataset. */
export function subset(data: Dataset, indices: readonly number[]): Dataset {
  return {
    name: data.name,
    size: indices.length,
    batches: (size, chosen = indices.map((_, i) => i)) =>
      data.batches(
        size,
        chosen.map((i) => indices[i]!),
      ),
  };
}
