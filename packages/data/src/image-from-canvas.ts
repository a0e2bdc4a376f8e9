import { rgbFromRgba } from './rgb-from-rgba.ts';
import type { RgbImage } from './resize.ts';

/** The pixels of what a page can draw (a canvas, an `<img>`, a video's frame, an ImageBitmap), `width` × `height` of them. */
export function imageFromCanvas(source: CanvasImageSource, width: number, height: number): RgbImage {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(source, 0, 0);
  return rgbFromRgba(context.getImageData(0, 0, width, height));
}
