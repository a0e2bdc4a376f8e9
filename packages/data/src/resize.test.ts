import { readFileSync } from 'node:fs';
import { resizeImage, type Filter } from './resize.ts';

interface Golden {
  readonly width: number;
  readonly height: number;
  readonly data: string;
  readonly cases: readonly { filter: Filter; width: number; height: number; data: string }[];
}

/** Made with Pillow by `test/golden/make.py`. */
const golden = JSON.parse(readFileSync(new URL('../test/golden/resize.json', import.meta.url), 'utf8')) as Golden;
const image = { width: golden.width, height: golden.height, data: Buffer.from(golden.data, 'base64') };

test.each(golden.cases)('$filter to $width x $height is what Pillow gives, byte for byte', (expected) => {
  const resized = resizeImage(image, expected.width, expected.height, expected.filter);
  expect([resized.width, resized.height]).toEqual([expected.width, expected.height]);
  expect(Buffer.from(resized.data)).toEqual(Buffer.from(expected.data, 'base64'));
});

test.each<Filter>(['nearest', 'bilinear', 'bicubic', 'lanczos'])('%s to the same size changes nothing', (filter) => {
  expect(Buffer.from(resizeImage(image, 13, 9, filter).data)).toEqual(image.data);
});

test.each<Filter>(['nearest', 'bilinear', 'bicubic', 'lanczos'])('%s keeps a plain colour plain', (filter) => {
  const plain = { width: 10, height: 10, data: new Uint8Array(300).fill(200) };
  for (const size of [3, 7, 31]) {
    expect(new Set(resizeImage(plain, size, size, filter).data)).toEqual(new Set([200]));
  }
});

test('a view into a larger buffer is read where it begins', () => {
  const shifted = new Uint8Array(image.data.length + 5);
  shifted.set(image.data, 5);
  const view = { ...image, data: shifted.subarray(5) };
  expect(resizeImage(view, 7, 5, 'bicubic')).toEqual(resizeImage(image, 7, 5, 'bicubic'));
});
