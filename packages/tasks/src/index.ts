import { imageClassifierOn } from './image-classifier.ts';
import { node } from './node/platform.ts';
import { textClassifierOn } from './text-classifier.ts';

export type { Classifier, ClassifierOptions, Score } from './classifier.ts';
export type { ImageInput } from './node/platform.ts';

/**
 * An image classifier from a folder with model.json, or from its URL: labels, preprocessing and class names are in it.
 * The answer to an image (path, URL, bytes, Blob, ImageData) is its likeliest classes.
 *
 * @throws CqError if the model says nothing of how images become its input, or an image cannot be read
 */
export const imageClassifier = imageClassifierOn(node);

/**
 * A text classifier from a folder with model.json and the files of its tokenizer, or from its URL. The answer to a text
 * is its likeliest classes.
 *
 * @throws CqError if a file is missing or the model's inputs are not those of a model that reads text
 */
export const textClassifier = textClassifierOn(node);
