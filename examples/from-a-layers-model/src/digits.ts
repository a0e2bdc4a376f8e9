import { createRequire } from 'node:module';
import type { Dataset } from '@cq/core';

const area = 28 * 28;

/** `count` digits of MNIST, all classes in turn, from the `from`-th of each class on: pixels 0 to 1, one row each. */
export function digits(from: number, count: number, input: string): Dataset & { readonly labels: Int32Array } {
  const require = createRequire(import.meta.url);
  const classes = Array.from(
    { length: 10 },
    (_, label) => (require(`mnist/src/digits/${label}.json`) as { data: readonly number[] }).data,
  );
  const labels = Int32Array.from({ length: count }, (_, i) => i % 10);
  const pixels = (i: number): readonly number[] => {
    const start = (from + Math.floor(i / 10)) * area;
    return classes[i % 10]!.slice(start, start + area);
  };
  return {
    ...{ name: 'digits', size: count, labels },
    async *batches(batchSize, indices = [...labels.keys()]) {
      for (let at = 0; at < indices.length; at += batchSize) {
        const chosen = indices.slice(at, at + batchSize);
        const data = Float32Array.from(chosen.flatMap(pixels));
        yield {
          inputs: { [input]: { dtype: 'float32', shape: [chosen.length, area], data } },
          labels: chosen.map((i) => labels[i]!),
        };
      }
    },
  };
}
