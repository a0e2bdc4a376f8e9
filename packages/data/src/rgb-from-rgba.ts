import type { RgbImage } from './resize.ts';

/** `ImageData` of a page without its alpha. */
export function rgbFromRgba({ width, height, data }: Pick<ImageData, 'width' | 'height' | 'data'>): RgbImage {
  const rgb = new Uint8ClampedArray((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    rgb[to++] = data[from]!;
    rgb[to++] = data[from + 1]!;
    rgb[to++] = data[from + 2]!;
  }
  return { width, height, data: rgb };
}
