import { CqError } from './errors.ts';
import type { Gram } from './gram.ts';

/** Second moments around the means of the inputs, whose errors a bias makes up for, and these means. */
export interface Centred {
  /** Without the row of ones. */
  readonly gram: Gram;
  readonly means: Float64Array;
}

/**
 * H − N μ μᵀ of a Gram matrix with a row of ones: whatever the rounding error ΔW, a bias of −μᵀΔW leaves nothing but its
 * error around the means.
 * @throws CqError if there is no row of ones.
 */
export function centred({ matrix, size, ones, tokens }: Gram): Centred {
  if (!ones) throw new CqError('centred: a Gram matrix with a row of ones is needed');
  const channels = size - 1;
  const means = Float64Array.from({ length: channels }, (_, i) => matrix[i * size + channels]! / tokens);
  const around = new Float64Array(channels * channels);
  for (let i = 0; i < channels; i++) {
    for (let j = 0; j < channels; j++) {
      around[i * channels + j] = matrix[i * size + j]! - tokens * means[i]! * means[j]!;
    }
  }
  return { gram: { matrix: around, size: channels, ones: false, tokens }, means };
}
