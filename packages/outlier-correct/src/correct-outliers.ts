import type { Pass } from '@cq/core';
import { balanceChannels } from './balance-channels.ts';
import { correctWeights } from './correct-weights.ts';
import { tuneSteps } from './tune-steps.ts';

/** Bits and training steps of all three passes. */
export interface CorrectOutliersOptions {
  /** Bits of weight codes, 2 to 8. */
  readonly weights: number;
  /** Bits of activation codes, 2 to 8. */
  readonly activations: number;
  /** Training steps at the end by which norms, biases and scales learn the float model's answers; 0: none. */
  readonly steps: number;
}

/**
 * All three levels in order.
 * Source: AOCQ (Li et al. 2025), of which the abstract is public; methods section 5.
 * @throws CqError if a number of bits or steps is none.
 */
export const correctOutliers = ({
  weights = 8,
  activations = 8,
  steps = 0,
}: Partial<CorrectOutliersOptions> = {}): readonly Pass[] => [
  balanceChannels({ weights, activations }),
  tuneSteps({ activations }),
  correctWeights({ bits: weights, steps }),
];

/** W8A8 with float scales. */
export const aocqW8A8 = (): readonly Pass[] => correctOutliers({ weights: 8 });

/** The same with 4-bit weights. */
export const aocqW4A8 = (): readonly Pass[] => correctOutliers({ weights: 4 });
