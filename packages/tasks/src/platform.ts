import type { RgbImage } from '@cq/data/browser';
import type { io } from '@tensorflow/tfjs-core';

/** What Node and pages do differently: `I` is what they take as an image. */
export interface Platform<I> {
  /** What `loadGraphModel` takes for a model's folder or the URL of its model.json. */
  handler(model: string): string | io.IOHandler;
  /** A JSON file beside model.json. */
  readJson(model: string, file: string): Promise<unknown>;
  decode(image: I): Promise<RgbImage>;
}
