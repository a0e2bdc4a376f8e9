import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CqError } from '@cq/core';
import { decodeImage } from './decode-image.ts';

/** Made with Pillow by `test/golden/make.py`. */
const goldens = JSON.parse(
  readFileSync(new URL('../test/golden/decode-image.json', import.meta.url), 'utf8'),
) as Record<string, { file: string; width: number; height: number; data: string }>;

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'cq-decode-'))));
afterAll(() => rm(folder, { recursive: true }));

test.each(Object.entries(goldens))('%s decodes as by Pillow', async (_, { file, width, height, data }) => {
  const path = join(folder, 'image');
  await writeFile(path, Buffer.from(file, 'base64'));
  const image = await decodeImage(path);
  expect([image.width, image.height]).toEqual([width, height]);
  const expected = Buffer.from(data, 'base64');
  expect(image.data.length).toBe(expected.length);
  // JPEG decoders may differ by rounding; so far they do not.
  expect(Math.max(...image.data.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThanOrEqual(1);
});

test.each([
  ['no image', Buffer.from('hello')],
  ['an empty file', Buffer.alloc(0)],
  ['a truncated JPEG', Buffer.from(goldens['a JPEG with halved chroma']!.file, 'base64').subarray(0, 650)],
])('%s is one error that names the file', async (_, bytes) => {
  const path = join(folder, 'broken.jpg');
  await writeFile(path, bytes);
  const decoding = decodeImage(path);
  await expect(decoding).rejects.toThrow(CqError);
  await expect(decoding).rejects.toThrow(
    /broken\.jpg: an image that can be decoded is expected, got ".+"; replace or remove/,
  );
});

test('a missing file is one error that names it', async () => {
  await expect(decodeImage(join(folder, 'none.jpg'))).rejects.toThrow(/none\.jpg: .*ENOENT/);
});
