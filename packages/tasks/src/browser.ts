import { imageClassifierOn } from './image-classifier.ts';
import { page } from './page/platform.ts';
import { textClassifierOn } from './text-classifier.ts';

export type { Classifier, ClassifierOptions, Score } from './classifier.ts';
export type { ImageInput } from './page/platform.ts';

/**
 * An image classifier from the URL of a model.json: labels, preprocessing and class names are in it. The answer to an
 * image (URL, File, canvas, `<img>`, ImageData) is its likeliest classes.
 *
 * @throws CqError if the model says nothing of how images become its input, or an image cannot be fetched
 */
export const imageClassifier = imageClassifierOn(page);

/**
 * A text classifier from the URL of a model.json, with the files of its tokenizer beside it. The answer to a text is its
 * likeliest classes.
 *
 * @throws CqError if a file is missing or the model's inputs are not those of a model that reads text
 */
export const textClassifier = textClassifierOn(page);
