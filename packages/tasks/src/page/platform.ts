import { imageFromBlob, imageFromCanvas, rgbFromRgba } from '@cq/data/browser';
import { besideModel, fetched, modelUrl } from '../fetched.ts';
import type { Platform } from '../platform.ts';

/** A URL, a chosen File or other Blob, what a page can draw, or the pixels of a canvas. */
export type ImageInput =
  string | URL | Blob | ImageData | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | ImageBitmap;

export const page: Platform<ImageInput> = {
  handler: modelUrl,
  readJson: async (model, file) => (await fetched(besideModel(model, file))).json(),
  async decode(image) {
    if (typeof image === 'string' || image instanceof URL) {
      return imageFromBlob(await (await fetched(String(image))).blob());
    }
    if (image instanceof Blob) return imageFromBlob(image);
    if ('data' in image) return rgbFromRgba(image);
    if ('naturalWidth' in image) {
      await image.decode();
      return imageFromCanvas(image, image.naturalWidth, image.naturalHeight);
    }
    return imageFromCanvas(image, image.width, image.height);
  },
};
