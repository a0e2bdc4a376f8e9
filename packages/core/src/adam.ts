/** What Adam remembers about a parameter: running means of its gradient and of the gradient's square. */
export interface Moments {
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** Constants of Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019). */
export interface AdamOptions {
  /** Decay of the mean of the gradients. Default: 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of their squares. Default: 0.999. */
  readonly beta2?: number;
  /** Added to the root of the latter. Default: 1e-8. */
  readonly epsilon?: number;
  /** Decoupled weight decay, which makes it AdamW. */
  readonly decay?: number;
}

/** Moments of zero for so many numbers, as before the first step. */
export const startMoments = (size: number): Moments => ({
  first: new Float32Array(size),
  second: new Float32Array(size),
});

/**
 * One step in place, the `count`-th, counted from 1:  m̂ = mean of g, v̂ = mean of g²,  x −= rate · (m̂ / (√v̂ + ε) + decay · x).
 * In plain arrays, so that a checkpoint holds all of its state and every backend takes the same step.
 * Source: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2 (AdamW).
 */
export function adamStep(
  values: Float32Array,
  gradient: Float32Array,
  { first, second }: Moments,
  count: number,
  rate: number,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 0 }: AdamOptions = {},
): void {
  const { sqrt } = Math;
  const size = rate / (1 - beta1 ** count);
  const correction = 1 / sqrt(1 - beta2 ** count);
  const kept = 1 - rate * decay;
  for (let i = 0; i < values.length; i++) {
    const slope = gradient[i]!;
    const m = beta1 * first[i]! + (1 - beta1) * slope;
    const v = beta2 * second[i]! + (1 - beta2) * slope * slope;
    first[i] = m;
    second[i] = v;
    values[i] = kept * values[i]! - (size * m) / (sqrt(v) * correction + epsilon);
  }
}
