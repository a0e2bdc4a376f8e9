import type { Dataset } from '@cq/core';
import * as fc from 'fast-check';
import { sample } from './sample.ts';

/** Example i has the label i. */
function numbered(size: number): Dataset {
  return {
    name: 'numbered',
    size,
    async *batches(batchSize, indices = Array.from({ length: size }, (_, i) => i)) {
      for (let i = 0; i < indices.length; i += batchSize) {
        yield { inputs: {}, labels: indices.slice(i, i + batchSize) };
      }
    },
  };
}

async function labelsOf(dataset: Dataset, batchSize = 1, indices?: readonly number[]): Promise<number[]> {
  const labels: number[] = [];
  for await (const batch of dataset.batches(batchSize, indices)) labels.push(...batch.labels!);
  return labels;
}

test('so many different examples, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 50 }),
      fc.integer({ min: 1, max: 49 }),
      fc.integer(),
      async (size, count, seed) => {
        const chosen = sample(numbered(size), Math.min(count, size - 1), seed);
        const labels = await labelsOf(chosen, 3);
        expect(labels).toHaveLength(chosen.size);
        expect(new Set(labels).size).toBe(chosen.size);
        expect(labels).toEqual([...labels].sort((a, b) => a - b));
      },
    ),
  );
});

test('the seed decides', async () => {
  const data = numbered(1000);
  const [a, again, b] = await Promise.all([1, 1, 2].map((seed) => labelsOf(sample(data, 20, seed))));
  expect(again).toEqual(a);
  expect(b).not.toEqual(a);
});

test('every example has its chance', async () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 60; seed++)
    for (const label of await labelsOf(sample(numbered(10), 2, seed))) seen.add(label);
  expect(seen.size).toBe(10);
});

test('no more than there are: the dataset itself', () => {
  const data = numbered(5);
  expect(sample(data, 5, 1)).toBe(data);
  expect(sample(data, 99, 1)).toBe(data);
});

test('indices count within the sample', async () => {
  const chosen = sample(numbered(100), 4, 3);
  const all = await labelsOf(chosen);
  expect(await labelsOf(chosen, 2, [3, 0])).toEqual([all[3], all[0]]);
  expect(() => chosen.batches(1, [4])).toThrow('numbered: an index must be from 0 to 3, as it is a sample, got 4');
});

test('counts and seeds that are none', () => {
  expect(() => sample(numbered(5), 0, 1)).toThrow('the number of examples must be a whole number from 1, got 0');
  expect(() => sample(numbered(5), 1, 0.5)).toThrow('the seed must be a whole number, got 0.5');
});
