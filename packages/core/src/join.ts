import type { Dataset } from './dataset.ts';
import { CqError } from './errors.ts';

/**
 * Two datasets of the same examples in the same order as one whose examples have the inputs of both, such as what the
 * quantized prefix feeds a block beside what the float block makes of it. Labels are the first one's.
 */
export function join(first: Dataset, second: Dataset): Dataset {
  if (first.size !== second.size) {
    throw new CqError(`join: needs as many examples in both, got ${first.size} (${first.name}) and ${second.size}`);
  }
  return {
    name: first.name,
    size: first.size,
    async *batches(batchSize, indices) {
      const others = second.batches(batchSize, indices)[Symbol.asyncIterator]();
      try {
        for await (const batch of first.batches(batchSize, indices)) {
          const other = await others.next();
          if (other.done || rows(other.value.inputs) !== rows(batch.inputs)) {
            throw new CqError(`join: ${first.name} and ${second.name} come in different batches`);
          }
          yield { ...batch, inputs: { ...other.value.inputs, ...batch.inputs } };
        }
      } finally {
        await others.return?.();
      }
    },
  };
}

const rows = (inputs: Readonly<Record<string, { readonly shape: readonly number[] }>>): number | undefined =>
  Object.values(inputs)[0]?.shape[0];
