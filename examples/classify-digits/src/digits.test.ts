import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ArrayTensor, Batch, Dataset } from '@cq/core';
import { digits, preprocessing } from './digits.ts';

const { training, evaluation } = digits();

test('8,000 digits to train with, 2,000 to evaluate, none in both', async () => {
  expect([training.size, evaluation.size]).toEqual([8000, 2000]);
  const seen = new Set([...(await hashes(training)), ...(await hashes(evaluation))]);
  expect(seen.size).toBe(10_000);
});

test('the split is the same on every machine', async () => {
  const digest = async (data: Dataset) => sha256((await hashes(data)).join());
  expect(await digest(training)).toBe('ae1f7b673a86872d5523a1bef812785aff172da774614afcab121c2d7b6868de');
  expect(await digest(evaluation)).toBe('28fa4313ac2cab5195e4d215c748e14ecec4449a4183be078a06d1dcad57d12a');
});

test('both parts hold every digit about as often', async () => {
  const [trained, evaluated] = [await histogram(training), await histogram(evaluation)];
  const sums = trained.map((count, digit) => count + evaluated[digit]!);
  expect(sums).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  for (const [digit, count] of evaluated.entries()) expect(count / sums[digit]!).toBeCloseTo(0.2, 1);
});

test('a batch is [batch, 1, 28, 28] from -1, paper, to 1, ink', async () => {
  const [batch] = await all(training.batches(5, [3, 1, 4, 1, 5]));
  const { dtype, shape, data } = batch!.inputs['pixel_values']!;
  expect({ dtype, shape, length: data.length }).toEqual({ dtype: 'float32', shape: [5, 1, 28, 28], length: 5 * 784 });
  expect([Math.min(...data), Math.max(...data)]).toEqual([-1, 1]);
  expect(batch!.labels![1]).toBe(batch!.labels![3]);
  expect(data.slice(784, 2 * 784)).toEqual(data.slice(3 * 784, 4 * 784));
});

test('batches can be read again; the last may be smaller', async () => {
  const batches = await all(evaluation.batches(900));
  expect(batches.map(({ labels }) => labels!.length)).toEqual([900, 900, 200]);
  const digest = (batches: readonly Batch[]) => batches.map(({ inputs }) => sha256(bytesOf(inputs['pixel_values']!)));
  expect(digest(await all(evaluation.batches(900)))).toEqual(digest(batches));
});

test('the model is committed with the preprocessing of its data', async () => {
  const file = await readFile(new URL('../model/preprocessor_config.json', import.meta.url), 'utf8');
  expect(JSON.parse(file)).toEqual(preprocessing);
});

async function hashes(data: Dataset): Promise<string[]> {
  const batches = await all(data.batches(1));
  return batches.map(({ inputs, labels }) =>
    sha256(Buffer.concat([bytesOf(inputs['pixel_values']!), Buffer.from(labels!)])),
  );
}

async function histogram(data: Dataset): Promise<number[]> {
  const counts = new Array<number>(10).fill(0);
  for (const { labels } of await all(data.batches(1000))) for (const label of labels!) counts[label]!++;
  return counts;
}

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const list: Batch[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}

function bytesOf({ data }: ArrayTensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
