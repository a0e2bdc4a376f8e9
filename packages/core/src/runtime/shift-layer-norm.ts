import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { LAYER_NORM_CHANNELS } from './layer-norm.ts';
import { codesOf, codeType, ensure, ensureCodes, type Attrs, type LoweredOp } from './op.ts';
import { ensureExponent, ensureIntegers, EXPONENT } from './shift.ts';

/** Attributes of `CqShiftLayerNorm`. */
export interface ShiftLayerNormAttrs extends Attrs {
  /** Added to C² times the variance of the codes: its own epsilon, in the same units. */
  readonly epsilon: number;
  /** Fraction bits of `gamma` and `beta`. */
  readonly gainBits: number;
  readonly bits: number;
  /** Read by `raise` and `inspect`, not by kernels: of the output codes. */
  readonly exponent: number;
}

/** A normalised value has so many fraction bits, its reciprocal norm so many bits. */
export const NORM_BITS = 20;
const RECIPROCAL_BITS = 50;
/** Bits of the sum of squares that its root is taken of. */
const SQUARE_BITS = 52;
/** Codes shifted to one exponent have at most so many bits. */
export const SHIFTED_BITS = 16;
/** |gamma| is less than this, so that its product with a normalised value is exact in a double. */
export const GAMMA = 2 ** 25;

/**
 * `CqLayerNorm` of a power-of-two model, in integers alone. With C channels, X[c] = x[c] · 2^(exponents[c] − min exponents)
 * of at most 16 bits, and Σ = Σ_c X[c]:
 *
 *     V = C · Σ_c X[c]² − Σ² + epsilon                                      C² times the variance
 *     d = ⌊√(V · 4^p)⌋                                                      p: so that V · 4^p has 51 or 52 bits (0 if V has more)
 *     n[c] = round((C · X[c] − Σ) · ⌊2^50 / d⌋ · 2^(p − 30))                20 fraction bits; 0 where V is 0
 *     y[c] = clamp(round((n[c] · gamma[c] + beta[c] · 2^20) · 2^(−20 − gainBits)))
 *
 * x: codes of at most 16 bits [.., C]; exponents, gamma, beta: int32 [C], the last two in units of 2^−gainBits output codes;
 * y: codes [.., C]. Source: integer LayerNorm of FQ-ViT (Lin et al. 2022), with the integer square root that it leaves out.
 */
export const CqShiftLayerNorm: LoweredOp = {
  name: 'CqShiftLayerNorm',
  inputs: ['x', 'exponents', 'gamma', 'beta'],
  attrs: { epsilon: 'int', gainBits: 'int', bits: 'int', exponent: 'int' },
  bounds(input) {
    if (input === 'exponents') return [-EXPONENT, EXPONENT];
    return input === 'gamma' ? [-GAMMA, GAMMA] : undefined;
  },
  check({ x, ...integers }, attrs) {
    const { epsilon, gainBits, bits, exponent } = attrs as ShiftLayerNormAttrs;
    const op = 'CqShiftLayerNorm';
    const channels = x!.shape.at(-1) ?? 0;
    ensure(x!.dtype !== 'float32', op, 'x must be codes', x!.dtype);
    ensure(
      channels >= 1 && channels <= LAYER_NORM_CHANNELS,
      op,
      `channels must be 1 to ${LAYER_NORM_CHANNELS}`,
      channels,
    );
    for (const [name, operand] of Object.entries(integers)) ensureIntegers(op, name, operand, channels);
    ensure(epsilon >= 0 && epsilon <= 2 ** 50, op, 'epsilon must be 0 to 2^50', epsilon);
    ensure(gainBits >= 0 && gainBits <= 30, op, 'gainBits must be 0 to 30', gainBits);
    ensureCodes(op, bits, 0);
    ensureExponent(op, 'exponent', exponent);
  },
  output: ({ x }, attrs) => ({ dtype: codeType((attrs as ShiftLayerNormAttrs).bits), shape: x!.shape }),
  reference({ x, exponents, gamma, beta }, attrs, output) {
    const { epsilon, gainBits, bits } = attrs as ShiftLayerNormAttrs;
    const codes = codesOf(x!);
    const channels = x!.shape.at(-1)!;
    const factors = shiftFactors(exponents!.data as Int32Array);
    const [gains, offsets] = [gamma!.data as Int32Array, beta!.data as Int32Array];
    const [low, high] = codeRange(bits);
    const row = new Int32Array(channels);
    const [norm, output_] = [2 ** NORM_BITS, 2 ** -(NORM_BITS + gainBits)];
    for (let start = 0; start < codes.length; start += channels) {
      let sum = 0;
      let squares = 0;
      for (let c = 0; c < channels; c++) {
        const code = ((codes[start + c]! * factors[c]!) << 16) >> 16;
        row[c] = code;
        sum += code;
        squares += code * code;
      }
      const { reciprocal, shift } = reciprocalRoot(channels * squares - sum * sum + epsilon);
      for (let c = 0; c < channels; c++) {
        const normalised = roundHalfEven((channels * row[c]! - sum) * reciprocal * 2 ** -shift);
        output[start + c] = clamp(roundHalfEven((normalised * gains[c]! + offsets[c]! * norm) * output_), low, high);
      }
    }
  },
};

/** 2^(exponent − the least of them), as far as 16 bits go. */
export function shiftFactors(exponents: Int32Array): Int32Array {
  const least = exponents.reduce((a, b) => Math.min(a, b), EXPONENT);
  return exponents.map((exponent) => 2 ** Math.min(exponent - least, SHIFTED_BITS - 1));
}

/** ⌊2^50 / ⌊√(value · 4^p)⌋⌋ and by how much products with it are shifted to the right; 0 where value is 0. */
export function reciprocalRoot(value: number): { readonly reciprocal: number; readonly shift: number } {
  if (value <= 0) return { reciprocal: 0, shift: 0 };
  let p = 0;
  while (p < NORM_BITS + 5 && value * 4 ** (p + 1) < 2 ** SQUARE_BITS) p++;
  const root = integerRoot(value * 4 ** p);
  return { reciprocal: Math.floor(2 ** RECIPROCAL_BITS / root), shift: RECIPROCAL_BITS - NORM_BITS - p };
}

/** The largest integer whose square is at most `value`, an integer below 2^53. */
export function integerRoot(value: number): number {
  const root = Math.floor(Math.sqrt(value));
  return root * root > value ? root - 1 : root;
}
