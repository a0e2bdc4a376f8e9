import type { Batch, Dataset } from './dataset.ts';
import { subset } from './subset.ts';

/** Ten examples that are their own numbers, in batches that come in descending order and say so. */
const descending: Dataset = {
  name: 'descending',
  size: 10,
  async *batches(size, indices = Array.from({ length: 10 }, (_, i) => i)) {
    const order = [...indices].sort((a, b) => b - a);
    for (let at = 0; at < order.length; at += size) {
      const chosen = order.slice(at, at + size);
      yield {
        inputs: { x: { dtype: 'int32', shape: [chosen.length], data: Int32Array.from(chosen) } },
        indices: chosen,
      };
    }
  },
  async *contents(indices = []) {
    for (const index of indices) yield { digest: String(index), place: `line ${index}` };
  },
};

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

const ofBatches = (batches: readonly Batch[]) =>
  batches.map(({ inputs, indices }) => [[...inputs['x']!.data], indices]);

test('examples are counted from 0, whatever order they come in', async () => {
  const some = subset(descending, [7, 2, 9]);
  expect(some.size).toBe(3);
  expect(ofBatches(await collect(some.batches(2)))).toEqual([
    [
      [9, 7],
      [2, 0],
    ],
    [[2], [1]],
  ]);
  expect(ofBatches(await collect(some.batches(2, [1])))).toEqual([[[2], [1]]]);
});

test('a subset of a subset counts its own', async () => {
  const some = subset(subset(descending, [7, 2, 9, 4]), [3, 0]);
  expect(ofBatches(await collect(some.batches(4)))).toEqual([
    [
      [7, 4],
      [1, 0],
    ],
  ]);
});

test('contents are those of the chosen examples', async () => {
  const contents = await collect(subset(descending, [7, 2]).contents!());
  expect(contents.map(({ place }) => place)).toEqual(['line 7', 'line 2']);
});
