import type { GraphModel } from '@tensorflow/tfjs-converter';

/** One class and the share of the probability that the model gives it, from 0 to 1. */
export interface Score {
  readonly label: string;
  readonly score: number;
}

/** What a classifier says, and whom it tells how far its model is loaded. */
export interface ClassifierOptions {
  /** How many classes an answer names, the likeliest first. Default: 5. */
  readonly top?: number;
  /** Told the loaded share of the model, from 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/** A loaded model as a function. */
export interface Classifier<I> {
  (input: I): Promise<Score[]>;
  /** The names of its classes by index. */
  readonly labels: readonly string[];
  readonly model: GraphModel;
  /** Frees the memory of its weights; it answers no more. */
  dispose(): void;
}
