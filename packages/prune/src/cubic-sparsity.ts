import { CqError } from '@cq/core';

/** From which sparsity to which, in training steps. */
export interface CubicOptions {
  /** Of the whole training. */
  readonly steps: number;
  /** Sparsity at the start. */
  readonly initial?: number;
  /** Sparsity at the end. */
  readonly final: number;
  /** Steps before the first rise. */
  readonly warmUp?: number;
  /** Steps at the end, in which the model recovers. */
  readonly coolDown?: number;
}

/**
 * The sparsity at a step, counted from 0, of a model that is pruned while it trains: it rises fast at first, when much
 * is left that nothing needs, and slower and slower towards the end.
 *
 *     s(t) = s_f + (s_i − s_f) · (1 − (t − warmUp) / (steps − warmUp − coolDown))³
 *
 * Source: Zhu & Gupta 2017, eq. 1; with a cool-down as in movement pruning (Sanh et al. 2020).
 * @throws CqError if warm-up and cool-down are longer than the training.
 */
export function cubicSparsity(
  step: number,
  { steps, initial = 0, final, warmUp = 0, coolDown = 0 }: CubicOptions,
): number {
  const rise = steps - warmUp - coolDown;
  if (!(rise >= 0))
    throw new CqError(`prune: warmUp and coolDown must fit in ${steps} steps, got ${warmUp} and ${coolDown}`);
  if (step < warmUp) return initial;
  if (step >= steps - coolDown) return final;
  return final + (initial - final) * (1 - (step - warmUp) / rise) ** 3;
}
