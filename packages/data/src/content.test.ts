import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset } from '@cq/core';
import { imageDigest, textDigest } from './content.ts';
import { imageFolder } from './image-folder.ts';
import { sample } from './sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'cq-content-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('spaces and the composition of letters make no other text; words and case do', () => {
  const text = 'café au lait';
  for (const same of [' café\u00a0 au\n lait ', 'cafe\u0301 au lait']) expect(textDigest(same)).toBe(textDigest(text));
  for (const other of ['Café au lait', 'cafe au lait', 'caféau lait'])
    expect(textDigest(other)).not.toBe(textDigest(text));
});

test('a folder and a sample of it tell the same of an image, and read none but those asked for', async () => {
  const bytes = [0, 1, 2, 3].map((value) => Uint8Array.of(value, 7));
  for (const [i, content] of bytes.entries()) writeFileSync(join(folder, `${i}.png`), content);
  const images = await imageFolder(folder, {
    preprocessing: { channels: 3, rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as never, // Nothing is decoded.
  });
  expect(await all(images, [2, 0])).toEqual([2, 0].map((i) => [imageDigest(bytes[i]!), join(folder, `${i}.png`)]));
  const chosen = await all(sample(images, 2, 1));
  expect(chosen.length).toBe(2);
  const whole = (await all(images)).map(([digest]) => digest);
  expect(chosen.every(([digest]) => whole.includes(digest))).toBe(true);
  expect(await all(sample(images, 2, 1), [1])).toEqual([chosen[1]]);
});

async function all(dataset: Dataset, indices?: readonly number[]): Promise<(readonly [string, string])[]> {
  const found: (readonly [string, string])[] = [];
  for await (const { digest, place } of dataset.contents!(indices)) found.push([digest, place]);
  return found;
}
