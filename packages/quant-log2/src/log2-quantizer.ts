import type { Log2Quantizer, UniformLog2Quantizer } from '@cq/core';

/** Codes of attention probabilities, all with a zero among their 2^bits. */
export type Log2Kind = 'log2' | 'log-sqrt2' | 'uniform-log2';

/** Whether levels are powers of 2, of √2 or of the 16th root of 2: a shift of products, a shift and a √2, or a table's entry. */
export type Exponents = 'integer' | 'half' | 'fine';

export const log2Kinds: readonly Log2Kind[] = ['log2', 'log-sqrt2', 'uniform-log2'];
export const exponentKinds: readonly Exponents[] = ['integer', 'half', 'fine'];

/** Exponents are multiples of 1 / base. */
const bases: Readonly<Record<Exponents, number>> = { integer: 1, half: 2, fine: 16 };

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
  ...{ kind: 'uniform-log2', bits, base: bases[exponents], lower, truncation },
  scale: Float32Array.of(1),
});
