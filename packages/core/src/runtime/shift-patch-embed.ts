import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { codeType, ensure, ensureCodes, type Attrs, type LoweredOp } from './op.ts';
import { checkPanels } from './panel.ts';
import { checkImage, eachPatch, type PatchSizes } from './patch-embed.ts';
import { ensureExponent, ensureIntegers, EXPONENT, shifted } from './shift.ts';

/** Attributes of `CqShiftPatchEmbed`. */
export interface ShiftPatchEmbedAttrs extends Attrs, PatchSizes {
  readonly bits: number;
  /** Rows of `tokens` before the first patch; those behind the last are detection tokens. */
  readonly prefix: number;
  /** Read by `raise` and `inspect`, not by kernels. */
  readonly inputExponent: number;
}

/**
 * `CqPatchEmbed` of a power-of-two model, without a float:
 *
 *     patch i           y[prefix + i, n] = clamp(round((Σ_k x[patch i, k] · w[n, k] + bias[n] + tokens[prefix + i, n]) · 2^(unit[n] − exponent[n])))
 *     other rows t      y[t, n] = clamp(round(tokens[t, n] · 2^(unit[n] − exponent[n])))
 *
 * x: int8 [batch, channels, height, width]; w: panels of codes [outputs, inputs]; bias, unit, exponent: int32 [outputs];
 * tokens: int32 [rows, outputs], at least prefix + patches rows, in units of the sums; y: codes [batch, rows, outputs].
 */
export const CqShiftPatchEmbed: LoweredOp = {
  name: 'CqShiftPatchEmbed',
  inputs: ['x', 'w', 'bias', 'unit', 'exponent', 'tokens'],
  attrs: {
    outputs: 'int',
    inputs: 'int',
    weightBits: 'int',
    layout: 'string',
    bits: 'int',
    patch: 'int',
    columns: 'int',
    rows: 'int',
    prefix: 'int',
    inputExponent: 'int',
  },
  bounds: (input) => (input === 'unit' || input === 'exponent' ? [-EXPONENT, EXPONENT] : undefined),
  check({ x, w, tokens, ...integers }, attrs) {
    const a = attrs as ShiftPatchEmbedAttrs;
    const op = 'CqShiftPatchEmbed';
    checkPanels(op, w!, a);
    for (const [name, operand] of Object.entries(integers)) ensureIntegers(op, name, operand, a.outputs);
    checkImage(op, x!, a);
    ensureCodes(op, a.bits, 0);
    ensureExponent(op, 'inputExponent', a.inputExponent);
    const least = a.prefix + a.rows * a.columns;
    const [rows, outputs, ...others] = tokens!.shape;
    ensure(
      a.prefix >= 0 && tokens!.dtype === 'int32' && rows! >= least && outputs === a.outputs && others.length === 0,
      op,
      `tokens must be int32 [at least ${least}, ${a.outputs}]`,
      tokens!.shape,
    );
  },
  output: ({ x, tokens }, attrs) => ({
    dtype: codeType((attrs as ShiftPatchEmbedAttrs).bits),
    shape: [x!.shape[0]!, ...tokens!.shape],
  }),
  reference({ x, w, bias, unit, exponent, tokens }, attrs, output) {
    const { outputs, bits, prefix } = attrs as ShiftPatchEmbedAttrs;
    const [units, exponents, constants] = [unit!, exponent!, tokens!].map(({ data }) => data as Int32Array);
    const [low, high] = codeRange(bits);
    const code = (sum: number, n: number): number =>
      clamp(roundHalfEven(shifted(sum, units![n]!, exponents![n]!)), low, high);
    const size = constants!.length;
    for (let i = 0; i < output.length; i++) output[i] = code(constants![i % size]!, i % outputs);
    eachPatch(x!, w!, bias!, attrs as ShiftPatchEmbedAttrs, (item, patch, sums) => {
      const from = (prefix + patch) * outputs;
      for (let n = 0; n < outputs; n++) output[item * size + from + n] = code(sums[n]! + constants![from + n]!, n);
    });
  },
};
