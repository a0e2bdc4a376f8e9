import type { Dataset } from '@cq/core';
import { normal } from './normal.ts';

/** Random examples `x`, 64 numbers each. A dataset can be read again and again, any part of it, in the same order. */
export function noise(size: number, seed: number): Dataset {
  const examples = Array.from({ length: size }, (_, index) => normal(64, 1, seed * size + index));
  return {
    name: 'noise',
    size,
    async *batches(batchSize, indices = examples.map((_, index) => index)) {
      for (let at = 0; at < indices.length; at += batchSize) {
        const batch = indices.slice(at, at + batchSize).flatMap((index) => [...examples[index]!]);
        yield { inputs: { x: { dtype: 'float32', shape: [batch.length / 64, 64], data: Float32Array.from(batch) } } };
      }
    },
  };
}
