import type { Log2Quantizer, UniformLog2Quantizer } from '@cq/core';

/** Codes of attention probabilities, all with a zero among their 2^bits. */
export type Log2Kind = 'log2' | 'log-sqrt2' | 'uniform-log2';

/** Whether levels are powers of 2 or of √2: a shift of products, or a shift and a √2. */
export type Exponents = 'integer' | 'half';

export const log2Kinds: readonly Log2Kind[] = ['log2', 'log-sqrt2', 'uniform-log2'];
export const exponentKinds: readonly Exponents[] = ['integer', 'half'];

/** L and T of methods 4.2 in units of −log2: what is larger than 2^−L goes to 2^−L, what is smaller than 2^−T to zero. */
export interface Truncation {
  readonly lower: number;
  readonly truncation: number;
}

export const logarithmic = (bits: number, kind: 'log2' | 'log-sqrt2', scale = 1): Log2Quantizer => ({
  ...{ kind: 'log2', bits, base: kind === 'log2' ? 1 : 2 },
  scale: Float32Array.of(scale),
});

export const truncated = (
  bits: number,
  exponents: Exponents,
  { lower, truncation }: Truncation,
): UniformLog2Quantizer => ({
  ...{ kind: 'uniform-log2', bits, base: exponents === 'integer' ? 1 : 2, lower, truncation },
  scale: Float32Array.of(1),
});
