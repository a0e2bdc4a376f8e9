import type { Quantizer } from '../quantizer.ts';
import { roundHalfEven } from '../runtime/arithmetic.ts';
import { SHIFTED_BITS } from '../runtime/shift-layer-norm.ts';
import { exponentCodes, perChannel } from './exponents.ts';
import { constant, unmatched, type Lowered, type Unmatched } from './rule.ts';

/** Gain and bias of a LayerNorm, and what it adds to the variance. */
export interface Affine {
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly epsilon: number;
}

/**
 * CqShiftLayerNorm; undefined where a scale is no power of two.
 *
 *     gamma, beta      in units of output codes, as integers with as many fraction bits as have room
 */
export function shiftLayerNorm(
  x: string,
  inputQuantizer: Quantizer | undefined,
  outputQuantizer: Quantizer,
  { gamma, beta, epsilon }: Affine,
  swallows: readonly string[],
): Lowered | Unmatched | undefined {
  const [input, output] = [exponentCodes(inputQuantizer), exponentCodes(outputQuantizer)];
  if (!input || output?.exponents.length !== 1) return undefined;
  const channels = gamma.length;
  const [least, most] = [Math.min(...input.exponents), Math.max(...input.exponents)];
  if (input.bits + most - least > SHIFTED_BITS) {
    return unmatched(
      `its input's exponents span ${most - least}, more than ${input.bits}-bit codes in 16-bit sums have room for`,
    );
  }
  const exponent = output.exponents[0]!;
  const [gains, offsets] = [gamma, beta].map((values) => Array.from(values, (value) => value / 2 ** exponent));
  const gainBits = Math.min(MOST_FRACTION, fractionBits(gains!, GAIN_BITS), fractionBits(offsets!, OFFSET_BITS));
  if (gainBits < 0) return unmatched('its gain or bias is too large for its output codes');
  return {
    op: 'CqShiftLayerNorm',
    inputs: [
      x,
      constant('exponents', perChannel(input.exponents, channels)),
      constant('gamma', mantissas(gains!, gainBits)),
      constant('beta', mantissas(offsets!, gainBits)),
    ],
    attrs: {
      epsilon: Math.min(2 ** 50, roundHalfEven((epsilon * channels ** 2) / 4 ** least)),
      gainBits,
      bits: output.bits,
      exponent,
    },
    swallows,
  };
}

/** |gamma| < 2^25 and |beta| < 2^31, as `CqShiftLayerNorm` needs them. */
const GAIN_BITS = 25;
const OFFSET_BITS = 31;
const MOST_FRACTION = 30;

/**
 * N, so that the largest of the values times 2^N is an integer of `bits` bits: bits − 1 − ⌊log2 max|A|⌋.
 * Source: FQ-ViT (Lin et al. 2022), whose multipliers have 8.
 */
export function fractionBits(values: readonly number[], bits: number): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest === 0 ? MOST_FRACTION : bits - 1 - Math.floor(Math.log2(largest));
}

/** M = sign(A) · ⌊|A| · 2^N⌋ */
export function mantissas(values: readonly number[], fraction: number): Int32Array {
  return Int32Array.from(values, (value) => Math.trunc(value * 2 ** fraction));
}
