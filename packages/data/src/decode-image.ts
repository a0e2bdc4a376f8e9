import { readFile } from 'node:fs/promises';
import { CqError } from '@cq/core';
import sharp, { type Sharp } from 'sharp';
import type { RgbImage } from './resize.ts';

/**
 * The pixels of an image as Pillow's `open(file).convert('RGB')` gives them: the stored values, with no colour
 * profile and no EXIF orientation applied, greyscale and palettes expanded, alpha dropped, the first frame only.
 *
 * @param source the path of a file, or its bytes
 * @param name what errors call it
 */
export async function decodeImage(
  source: string | Uint8Array,
  name = typeof source === 'string' ? source : 'the image',
): Promise<RgbImage> {
  try {
    // Read here, not by sharp, whose cache would not notice that a file was replaced.
    const bytes = typeof source === 'string' ? await readFile(source) : source;
    const image = sharp(bytes, { failOn: 'error', ignoreIcc: true });
    const { space } = await image.metadata();
    return space === 'cmyk' ? await cmykAsRgb(image) : await asRgb(image);
  } catch (error) {
    const cause = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new CqError(`${name}: an image that can be decoded is expected, got "${cause}"; replace or remove the file`, {
      cause: error,
    });
  }
}

async function asRgb(image: Sharp): Promise<RgbImage> {
  return raw(image.removeAlpha().toColourspace('srgb'));
}

/** A few JPEGs of ImageNet are made of inks. sharp would mix them by a printing profile, Pillow multiplies. */
async function cmykAsRgb(image: Sharp): Promise<RgbImage> {
  const { width, height, data: inks } = await raw(image.pipelineColourspace('cmyk').toColourspace('cmyk'));
  const data = new Uint8ClampedArray(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4) {
    const white = 255 - inks[from + 3]!;
    for (let ink = 0; ink < 3; ink++) data[to++] = white - multiply(inks[from + ink]!, white);
  }
  return { width, height, data };
}

/** `a · b / 255`, rounded. */
function multiply(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

async function raw(image: Sharp): Promise<RgbImage> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}
