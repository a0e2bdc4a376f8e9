import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CqError } from '@cq/core';
import { fromFolder } from '@cq/core/node';
import { decodeImage, rgbFromRgba } from '@cq/data';
import { besideModel, fetched, modelUrl } from '../fetched.ts';
import type { Platform } from '../platform.ts';

/** A path or URL, the bytes of an image file, a Blob, or pixels with alpha as a canvas gives them. */
export type ImageInput = string | URL | Uint8Array | Blob | Pick<ImageData, 'width' | 'height' | 'data'>;

export const node: Platform<ImageInput> = {
  handler: (model) => (isHttp(model) ? modelUrl(model) : fromFolder(folderOf(model))),
  async readJson(model, file) {
    if (isHttp(model)) return (await fetched(besideModel(model, file))).json();
    const path = join(folderOf(model), file);
    try {
      return JSON.parse(await readFile(path, 'utf8'));
    } catch (error) {
      throw new CqError(`${path}: is needed to read text, got ${(error as Error).message}; copy it from the original`, {
        cause: error,
      });
    }
  },
  async decode(image) {
    if (image instanceof Uint8Array) return decodeImage(image);
    if (image instanceof Blob) return decodeImage(new Uint8Array(await image.arrayBuffer()));
    if (image instanceof URL || typeof image === 'string') return decodeFrom(String(image));
    return rgbFromRgba(image);
  },
};

async function decodeFrom(place: string) {
  if (isHttp(place)) return decodeImage(new Uint8Array(await (await fetched(place)).arrayBuffer()), place);
  return decodeImage(place.startsWith('file:') ? fileURLToPath(place) : place);
}

const isHttp = (place: string): boolean => /^https?:/.test(place);

/** People name the file as often as the folder. */
const folderOf = (model: string): string => (model.endsWith('model.json') ? dirname(model) : model);
