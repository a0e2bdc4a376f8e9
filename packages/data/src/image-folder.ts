import { readFile } from 'node:fs/promises';
import { CqError, type ArrayTensor, type Batch, type Content, type Dataset } from '@cq/core';
import { chunks } from './chunks.ts';
import { imageDigest } from './content.ts';
import { decodeImage } from './decode-image.ts';
import { listImages, type LabelledImage } from './list-images.ts';
import { preprocessedSize, preprocessImage } from './preprocess-image.ts';
import type { Preprocessing } from './preprocessing.ts';
import { readAhead } from './read-ahead.ts';
import { requested } from './requested.ts';

/** How a folder of images is read. */
export interface ImageFolderOptions {
  /** How an image becomes the model's input, from `parsePreprocessing`. */
  readonly preprocessing: Preprocessing;
  /** The model's class names by index; without them a label is a class index, or the place of a sorted sub-folder. */
  readonly labels?: readonly string[];
  /** Name of the model's input. Default: `pixel_values`. */
  readonly input?: string;
}

/**
 * The images of a folder as a dataset, in the same order every time: those `labels.csv` (`file,label`) lists, or those
 * of one sub-folder per class, or, without labels, those that lie in the folder. Images are decoded as they are asked
 * for, the next batch while the consumer works on this one, so memory does not grow with the folder.
 */
export async function imageFolder(folder: string, options: ImageFolderOptions): Promise<Dataset> {
  const { preprocessing, labels, input = 'pixel_values' } = options;
  const images = await listImages(folder, labels);
  const load = (chunk: readonly LabelledImage[]) => loadBatch(chunk, preprocessing, input);
  const source = { name: folder, size: images.length, examples: 'images' };
  const chosen = (batchSize: number, indices?: readonly number[]): LabelledImage[] =>
    requested(source, batchSize, indices).map((index) => images[index]!);
  return {
    name: folder,
    size: images.length,
    batches: (batchSize, indices) => readAhead(chunks(chosen(batchSize, indices), batchSize), 1, load),
    contents: (indices) => contentsOf(chosen(1, indices)),
  };
}

async function* contentsOf(images: readonly LabelledImage[]): AsyncGenerator<Content, void, undefined> {
  for (const { file } of images) yield { digest: imageDigest(await readFile(file)), place: file };
}

/** Decoders at work within a batch: as many as Node has threads for them. */
const decodersAtWork = 4;

async function loadBatch(
  images: readonly LabelledImage[],
  preprocessing: Preprocessing,
  input: string,
): Promise<Batch> {
  const decode = async ({ file }: LabelledImage) => ({ file, image: await decodeImage(file) });
  const { channels } = preprocessing;
  let shape: readonly number[] = [];
  let data = new Float32Array();
  let filled = 0;
  for await (const { file, image } of readAhead(images, decodersAtWork - 1, decode)) {
    const { height, width } = preprocessedSize(image, preprocessing);
    if (filled === 0) {
      shape = [images.length, channels, height, width];
      data = new Float32Array(images.length * channels * height * width);
    } else if (height !== shape[2] || width !== shape[3]) {
      throw new CqError(
        `${file}: images of a batch must have one size, here ${shape[3]}x${shape[2]}, got ${width}x${height}; ` +
          'resize or crop in the preprocessing, or read one image at a time',
      );
    }
    const values = preprocessImage(image, preprocessing);
    data.set(values, filled);
    filled += values.length;
  }
  const tensor: ArrayTensor = { dtype: 'float32', shape, data };
  const labels = images.flatMap(({ label }) => label ?? []);
  return { inputs: { [input]: tensor }, ...(labels.length > 0 && { labels }) };
}
