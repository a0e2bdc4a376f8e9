import { imageFromCanvas } from './image-from-canvas.ts';
import type { RgbImage } from './resize.ts';

/**
 * The pixels of an image in a page, such as a chosen or fetched file. Two differences from Node that a browser does not
 * let switch off: it applies the EXIF orientation, and colours under transparent pixels are lost.
 */
export async function imageFromBlob(blob: Blob): Promise<RgbImage> {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  const image = imageFromCanvas(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return image;
}
