import { quantizeUniform, type Pass } from '@cq/core';
import { declineBits } from './decline-bits.ts';
import { quantizeLog2 } from './quantize-log2.ts';

/** How long blocks train: some minutes, an hour, or a night for DeiT-Tiny on two cores. */
export type Effort = 'quick' | 'normal' | 'long';

/** What the recipes of few bits leave open. */
export interface TpVitOptions {
  /** How long each block trains. Default: `normal`. */
  readonly effort?: Effort;
  /** Whether the weights of patches and classifier get the target's bits too, as in the literature, and not 8. */
  readonly strict?: boolean;
}

/** Training steps of 16 images for a block. */
const steps: Readonly<Record<Effort, number>> = { quick: 60, normal: 300, long: 3000 };

const recipe = (bits: number, iterations: number, strict: boolean): readonly Pass[] => [
  quantizeLog2({ bits }),
  declineBits({ from: bits, to: bits, schedule: 'direct', iterations, batchSize: 16, rate: 0.015, strict }),
  quantizeUniform({ weights: 8, activations: 8, index: Math.min(12, bits + 7), positions: 8 }),
];

/** W3A3: 3-bit weights and activations in all blocks; patches, classifier and logits 8 bits, the residual stream 16. */
export const tpVit = ({ effort = 'normal', strict = false }: TpVitOptions = {}): readonly Pass[] =>
  recipe(3, steps[effort], strict);

/** The same with 4 bits, and half the training. */
export const tpVitW4A4 = ({ effort = 'normal', strict = false }: TpVitOptions = {}): readonly Pass[] =>
  recipe(4, steps[effort] / 2, strict);

/** The same with 6 bits, and some minutes of training. */
export const tpVitW6A6 = ({ strict = false }: TpVitOptions = {}): readonly Pass[] => recipe(6, 50, strict);
