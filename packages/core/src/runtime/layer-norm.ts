import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { codesOf, codeType, ensure, ensureCodes, sizeOf, type Attrs, type LoweredOp } from './op.ts';

/** Attributes of `CqLayerNorm`. */
export interface LayerNormAttrs extends Attrs {
  readonly epsilon: number;
  readonly inputScale: number;
  readonly bits: number;
  readonly zeroPoint: number;
  /** Read by `raise` and `inspect`, not by kernels. */
  readonly outputScale: number;
}

/** Widest row of int16 codes with C · Σ² below 2^53, so that the statistics are exact. */
export const LAYER_NORM_CHANNELS = 2048;

/**
 * Σ = Σ_c x[c], Σ² = Σ_c x[c]² are exact integers; with C channels
 *
 *     d = sqrt(C · Σ² − Σ · Σ + epsilon / inputScale² · C²)          (float64)
 *     y[c] = clamp(round(fround(fround(fround(fround(C · x[c] − Σ) · fround(1 / d)) · gamma[c]) + beta[c])) + zeroPoint)
 *
 * and 1 / d is 0 where d is 0. The input's zero point cancels.
 * x: codes of at most 16 bits [.., C]; gamma, beta: float32 [C], already divided by the output scale; y: codes [.., C].
 */
export const CqLayerNorm: LoweredOp = {
  name: 'CqLayerNorm',
  inputs: ['x', 'gamma', 'beta'],
  attrs: { epsilon: 'float', inputScale: 'float', bits: 'int', zeroPoint: 'int', outputScale: 'float' },
  check({ x, gamma, beta }, attrs) {
    const { epsilon, inputScale, bits, zeroPoint } = attrs as LayerNormAttrs;
    const channels = x!.shape.at(-1) ?? 0;
    ensure(x!.dtype !== 'float32', 'CqLayerNorm', 'x must be codes', x!.dtype);
    ensure(
      channels >= 1 && channels <= LAYER_NORM_CHANNELS,
      'CqLayerNorm',
      `channels must be 1 to ${LAYER_NORM_CHANNELS}`,
      channels,
    );
    for (const [name, vector] of Object.entries({ gamma: gamma!, beta: beta! })) {
      ensure(
        vector.dtype === 'float32' && sizeOf(vector.shape) === channels,
        'CqLayerNorm',
        `${name} must be float32 [${channels}]`,
        vector.shape,
      );
    }
    ensure(epsilon >= 0, 'CqLayerNorm', 'epsilon must not be negative', epsilon);
    ensure(inputScale > 0, 'CqLayerNorm', 'inputScale must be positive', inputScale);
    ensureCodes('CqLayerNorm', bits, zeroPoint);
  },
  output: ({ x }, attrs) => ({ dtype: codeType((attrs as LayerNormAttrs).bits), shape: x!.shape }),
  reference({ x, gamma, beta }, attrs, output) {
    const { bits, zeroPoint } = attrs as LayerNormAttrs;
    const codes = codesOf(x!);
    const channels = x!.shape.at(-1)!;
    const gammas = gamma!.data as Float32Array;
    const betas = beta!.data as Float32Array;
    const offset = epsilonTerm(attrs as LayerNormAttrs, channels);
    const [low, high] = codeRange(bits);
    for (let start = 0; start < codes.length; start += channels) {
      let sum = 0;
      let squares = 0;
      for (let c = 0; c < channels; c++) {
        const code = codes[start + c]!;
        sum += code;
        squares += code * code;
      }
      const denominator = Math.sqrt(channels * squares - sum * sum + offset);
      const factor = denominator === 0 ? 0 : Math.fround(1 / denominator);
      for (let c = 0; c < channels; c++) {
        const normalised = Math.fround(Math.fround(channels * codes[start + c]! - sum) * factor);
        const scaled = Math.fround(Math.fround(normalised * gammas[c]!) + betas[c]!);
        output[start + c] = clamp(roundHalfEven(scaled) + zeroPoint, low, high);
      }
    }
  },
};

/** epsilon in squared code units times C², in the order of operations that all backends share (float64). */
export function epsilonTerm({ epsilon, inputScale }: LayerNormAttrs, channels: number): number {
  return (epsilon / (inputScale * inputScale)) * (channels * channels);
}
