import { CqError } from '@cq/core';
import { topClass } from './accuracy.ts';

/** How near the outputs of a model are to those of a reference, over the examples so far. */
export interface Agreement {
  /** Examples for which both have the same top class, of 1. */
  readonly agreement: number;
  /** Mean KL(reference ‖ model) of the softmaxed outputs, in nats. */
  readonly kl: number;
}

/** Sums one pair of outputs after another; memory does not grow with their number. */
export function agreementCounter(): {
  add(reference: ArrayLike<number>, model: ArrayLike<number>): void;
  result(): Agreement;
} {
  let count = 0;
  let same = 0;
  let divergence = 0;
  return {
    add(reference, model) {
      count++;
      if (topClass(reference) === topClass(model)) same++;
      divergence += klDivergence(reference, model);
    },
    result: () => ({ agreement: same / count, kl: divergence / count }),
  };
}

/**
 * KL(softmax(reference) ‖ softmax(model)) in nats:
 *
 *     Σ_i p_i · (log p_i − log q_i)       log p_i = a_i − logSumExp(a)
 */
export function klDivergence(reference: ArrayLike<number>, model: ArrayLike<number>): number {
  if (reference.length !== model.length) {
    throw new CqError(
      `agreement: both models must have as many classes, got ${reference.length} and ${model.length}; give the reference that the model was made from`,
    );
  }
  const [referenceSum, modelSum] = [logSumExp(reference), logSumExp(model)];
  let sum = 0;
  for (let i = 0; i < reference.length; i++) {
    const logP = reference[i]! - referenceSum;
    const p = Math.exp(logP);
    if (p !== 0) sum += p * (logP - (model[i]! - modelSum));
  }
  return Math.max(sum, 0); // Never negative but for rounding.
}

/** log Σ exp(x_i), with the largest taken out first so that nothing overflows. */
export function logSumExp(values: ArrayLike<number>): number {
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) max = Math.max(max, values[i]!);
  if (!Number.isFinite(max)) return max;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - max);
  return max + Math.log(sum);
}
