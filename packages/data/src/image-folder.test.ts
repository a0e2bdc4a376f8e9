import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CqError, type Batch, type Dataset } from '@cq/core';
import sharp from 'sharp';
import { imageFolder } from './image-folder.ts';
import { preprocessImage } from './preprocess-image.ts';
import { parsePreprocessing } from './preprocessing.ts';

const preprocessing = parsePreprocessing(
  { size: { height: 2, width: 3 }, resample: 3, image_mean: 0.5, image_std: 0.5 },
  'preprocessor_config.json',
);
const asTheyAre = { ...preprocessing, resize: undefined };

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'cq-images-'))));
afterEach(() => rm(folder, { recursive: true }));

/** `<i>.png` for each level, every pixel of it that level. */
async function plainImages(levels: readonly number[], width = 5): Promise<void> {
  for (const [i, r] of levels.entries()) {
    const create = { width, height: 4, channels: 3 as const, background: { r, g: 0, b: 255 } };
    await sharp({ create })
      .png()
      .toFile(join(folder, `${i}.png`));
  }
}

async function labelled(labels: readonly number[]): Promise<void> {
  await writeFile(
    join(folder, 'labels.csv'),
    ['file,label', ...labels.map((label, i) => `${i}.png,${label}`)].join('\n'),
  );
}

async function collect(dataset: Dataset, batchSize: number, indices?: readonly number[]): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of dataset.batches(batchSize, indices)) batches.push(batch);
  return batches;
}

test('batches are stacked, labelled and in order, the last one smaller', async () => {
  await plainImages([0, 51, 255]);
  await labelled([7, 8, 9]);
  const dataset = await imageFolder(folder, { preprocessing, input: 'image' });
  expect([dataset.name, dataset.size]).toEqual([folder, 3]);

  const [first, last, ...more] = await collect(dataset, 2);
  expect(more).toEqual([]);
  expect(first!.labels).toEqual([7, 8]);
  expect(last!.labels).toEqual([9]);
  expect(first!.inputs['image']!.shape).toEqual([2, 3, 2, 3]);
  expect(last!.inputs['image']!.shape).toEqual([1, 3, 2, 3]);
  const planes = [0, 0, 255, 51, 0, 255].map((level) => preprocessed(level));
  expect([...first!.inputs['image']!.data]).toEqual(planes.flatMap((value) => Array<number>(6).fill(value)));
});

function preprocessed(level: number): number {
  return preprocessImage({ width: 1, height: 1, data: new Uint8Array(3).fill(level) }, asTheyAre)[0]!;
}

test('a dataset can be read again, and in any order', async () => {
  await plainImages([10, 20, 30]);
  await labelled([0, 1, 2]);
  const dataset = await imageFolder(folder, { preprocessing });
  expect(await collect(dataset, 2)).toEqual(await collect(dataset, 2));
  const [all] = await collect(dataset, 3);
  const [chosen] = await collect(dataset, 3, [2, 0, 2]);
  expect(chosen!.labels).toEqual([2, 0, 2]);
  const imageOf = (batch: Batch, i: number) => batch.inputs['pixel_values']!.data.slice(i * 18, i * 18 + 18);
  expect([0, 1, 2].map((i) => imageOf(chosen!, i))).toEqual([2, 0, 2].map((i) => imageOf(all!, i)));
});

test('a folder without labels gives batches without labels', async () => {
  await plainImages([10, 20]);
  const [batch] = await collect(await imageFolder(folder, { preprocessing }), 2);
  expect(batch).not.toHaveProperty('labels');
});

test('an image that does not decode fails its batch, and names itself', async () => {
  await plainImages([10, 20, 30]);
  await writeFile(join(folder, '2.png'), 'none');
  const seen: Batch[] = [];
  const read = async () => {
    for await (const batch of (await imageFolder(folder, { preprocessing })).batches(1)) seen.push(batch);
  };
  await expect(read()).rejects.toThrow(/2\.png: an image that can be decoded is expected/);
  expect(seen).toHaveLength(2);
});

test('images of several sizes in one batch are refused where nothing makes them equal', async () => {
  await plainImages([10]);
  await writeFile(join(folder, '1.png'), await sharp(join(folder, '0.png')).resize(3, 3).png().toBuffer());
  const dataset = await imageFolder(folder, { preprocessing: asTheyAre });
  await expect(collect(dataset, 2)).rejects.toThrow(
    /1\.png: images of a batch must have one size, here 5x4, got 3x3; /,
  );
  expect(await collect(dataset, 1)).toHaveLength(2);
});

test.each([
  [0, undefined, 'the batch size must be a whole number from 1, got 0'],
  [1.5, undefined, 'the batch size must be a whole number from 1, got 1.5'],
  [1, [0, 1], 'an index must be from 0 to 0, as it has 1 images, got 1'],
])('batches(%j, %j) is refused at once', async (batchSize, indices, message) => {
  await plainImages([10]);
  const dataset = await imageFolder(folder, { preprocessing });
  expect(() => dataset.batches(batchSize, indices)).toThrow(CqError);
  expect(() => dataset.batches(batchSize, indices)).toThrow(message);
});
