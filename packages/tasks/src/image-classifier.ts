import { CqError } from '@cq/core';
import { parsePreprocessing, preprocessedSize, preprocessImage } from '@cq/data/browser';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { Classifier, ClassifierOptions } from './classifier.ts';
import { loadClassifier, type Metadata } from './load-classifier.ts';
import type { Platform } from './platform.ts';

/** `imageClassifier` of Node or of pages. */
export function imageClassifierOn<I>(platform: Platform<I>) {
  return (folder: string, options: ClassifierOptions = {}): Promise<Classifier<I>> =>
    loadClassifier(folder, options, platform, async (model, metadata) => {
      const preprocessing = preprocessingOf(folder, metadata);
      const name = imageInput(folder, model);
      return async (image) => {
        const pixels = await platform.decode(image);
        const { height, width } = preprocessedSize(pixels, preprocessing);
        const shape = [1, preprocessing.channels, height, width];
        return { [name]: { dtype: 'float32', shape, data: preprocessImage(pixels, preprocessing) } };
      };
    });
}

function preprocessingOf(folder: string, { preprocessing }: Metadata) {
  if (preprocessing) return parsePreprocessing(preprocessing, folder);
  throw new CqError(
    `${folder}: how images become its input is not in its model.json; compress it from a folder with preprocessor_config.json`,
  );
}

function imageInput(folder: string, { inputs }: GraphModel): string {
  const [input] = inputs;
  if (inputs.length === 1 && input!.shape?.length === 4 && input!.dtype === 'float32') return input!.name;
  const found = inputs.map(({ name, dtype, shape }) => `"${name}" ${dtype} [${(shape ?? []).join(', ')}]`).join(', ');
  throw new CqError(
    `${folder}: one float32 input [batch, channels, height, width] is expected of a model that classifies images, got ${found}`,
  );
}
