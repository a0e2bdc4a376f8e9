import type { Quantizer } from '../quantizer.ts';

/** Symmetric codes whose scales are powers of two: one for the tensor, or one for each channel of the last axis. */
export interface ExponentCodes {
  readonly bits: number;
  readonly exponents: Int32Array;
}

/** undefined for any other quantizer of an activation. */
export function exponentCodes(quantizer: Quantizer | undefined): ExponentCodes | undefined {
  if (quantizer?.kind !== 'uniform' || !quantizer.signed || quantizer.zeroPoint.some((zero) => zero !== 0))
    return undefined;
  const exponents = exponentsOf(quantizer.scale);
  return exponents && { bits: quantizer.bits, exponents };
}

/** The exponents of scales; undefined unless all are powers of two. */
export function exponentsOf(scales: ArrayLike<number>): Int32Array | undefined {
  const exponents = Int32Array.from(scales, (scale) => Math.round(Math.log2(scale)));
  return exponents.every((exponent, i) => 2 ** exponent === scales[i]) ? exponents : undefined;
}

/** The exponent of one scale; undefined unless it is a power of two. */
export function exponentOf(scale: number): number | undefined {
  return exponentsOf([scale])?.[0];
}

/** One for each channel, where there is one for all. */
export function perChannel(exponents: Int32Array, channels: number): Int32Array {
  return exponents.length === channels ? exponents : new Int32Array(channels).fill(exponents[0]!);
}
