import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { checkWeight, dotRows, type LinearAttrs } from './linear.ts';
import { codesOf, codeType, ensure, ensureCodes, type Attrs, type LoweredOp, type Operand, type Shaped } from './op.ts';
import { fromPanels, type PanelAttrs } from './panel.ts';

/** A weight for square patches, and how these lie in an image. */
export interface PatchSizes extends PanelAttrs {
  /** Side of a square patch in pixels. */
  readonly patch: number;
  /** Patches across and down. */
  readonly columns: number;
  readonly rows: number;
}

/** Attributes of `CqPatchEmbed`. */
export interface PatchEmbedAttrs extends Attrs, PatchSizes, Pick<LinearAttrs, 'bits' | 'zeroPoint'> {
  /** Rows of `tokens` before the first patch (class token, distillation token); those behind the last are detection tokens. */
  readonly prefix: number;
  /** Read by `raise` and `inspect`, not by kernels. */
  readonly inputScale: number;
  readonly inputZeroPoint: number;
  readonly outputScale: number;
}

/**
 * The embedding stage of a vision Transformer. Patches are taken row by row; a patch's pixels in the order
 * [channel, row, column].
 *
 *     patch i           y[prefix + i, n] = clamp(round(fround(r + tokens[prefix + i, n])) + zeroPoint)
 *                       with r = fround(fround(Σ_k x[patch i, k] · w[n, k] + bias[n]) · multiplier[n])
 *     other rows t      y[t, n] = clamp(round(tokens[t, n]) + zeroPoint)
 *
 * x: int8 [batch, channels, height, width]; w: panels of codes [outputs, inputs]; bias: int32 [outputs]; multiplier: float32 [outputs];
 * tokens: float32 [rows, outputs], at least prefix + patches rows, in units of the output scale; y: codes [batch, rows, outputs].
 */
export const CqPatchEmbed: LoweredOp = {
  name: 'CqPatchEmbed',
  inputs: ['x', 'w', 'bias', 'multiplier', 'tokens'],
  attrs: {
    outputs: 'int',
    inputs: 'int',
    weightBits: 'int',
    layout: 'string',
    bits: 'int',
    zeroPoint: 'int',
    patch: 'int',
    columns: 'int',
    rows: 'int',
    prefix: 'int',
    inputScale: 'float',
    inputZeroPoint: 'int',
    outputScale: 'float',
  },
  check({ x, w, bias, multiplier, tokens }, attrs) {
    const a = attrs as PatchEmbedAttrs;
    checkWeight('CqPatchEmbed', w!, bias!, multiplier!, a);
    checkImage('CqPatchEmbed', x!, a);
    ensureCodes('CqPatchEmbed', a.bits, a.zeroPoint);
    const least = a.prefix + a.rows * a.columns;
    const [rows, outputs, ...others] = tokens!.shape;
    ensure(
      a.prefix >= 0 && tokens!.dtype === 'float32' && rows! >= least && outputs === a.outputs && others.length === 0,
      'CqPatchEmbed',
      `tokens must be float32 [at least ${least}, ${a.outputs}]`,
      tokens!.shape,
    );
  },
  output: ({ x, tokens }, attrs) => ({
    dtype: codeType((attrs as PatchEmbedAttrs).bits),
    shape: [x!.shape[0]!, ...tokens!.shape],
  }),
  reference({ x, w, bias, multiplier, tokens }, attrs, output) {
    const { outputs, bits, zeroPoint, prefix } = attrs as PatchEmbedAttrs;
    const multipliers = multiplier!.data as Float32Array;
    const constants = tokens!.data as Float32Array;
    const [low, high] = codeRange(bits);
    for (let i = 0; i < output.length; i++) {
      output[i] = clamp(roundHalfEven(constants[i % constants.length]!) + zeroPoint, low, high);
    }
    eachPatch(x!, w!, bias!, attrs as PatchEmbedAttrs, (item, patch, sums) => {
      for (let n = 0; n < outputs; n++) {
        const at = (prefix + patch) * outputs + n;
        const scaled = Math.fround(Math.fround(sums[n]!) * multipliers[n]!);
        const code = roundHalfEven(Math.fround(scaled + constants[at]!)) + zeroPoint;
        output[item * constants.length + at] = clamp(code, low, high);
      }
    });
  },
};

/** Throws unless x is an image of the patches that the attributes say. */
export function checkImage(op: string, x: Shaped, { patch, rows, columns, inputs }: PatchSizes): void {
  ensure(x.dtype === 'bool', op, 'x must be int8 codes (bool)', x.dtype);
  ensure(x.shape.length === 4, op, 'x must be [batch, channels, height, width]', x.shape);
  const [, channels, height, width] = x.shape as [number, number, number, number];
  ensure(
    patch >= 1 && height === rows * patch && width === columns * patch,
    op,
    `x must be ${rows} × ${columns} patches of ${patch} pixels`,
    x.shape,
  );
  ensure(inputs === channels * patch * patch, op, `inputs must be ${channels * patch * patch}`, inputs);
}

/** Σ_k x[patch, k] · w[n, k] + bias[n] of every patch of every item of the batch, in wrapping int32. */
export function eachPatch(
  x: Operand,
  w: Operand,
  bias: Operand,
  { outputs, inputs, weightBits, patch, rows, columns }: PatchSizes,
  visit: (item: number, patch: number, sums: Int32Array) => void,
): void {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const pixels = codesOf(x);
  const weights = fromPanels(w.data as Uint8Array, outputs, inputs, weightBits);
  const biases = bias.data as Int32Array;
  const sums = new Int32Array(outputs);
  const row = new Int32Array(inputs);
  for (let item = 0; item < batch; item++) {
    for (let i = 0; i < rows * columns; i++) {
      const [top, left] = [Math.floor(i / columns) * patch, (i % columns) * patch];
      for (let k = 0, c = 0; c < channels; c++) {
        for (let y = top; y < top + patch; y++) {
          const line = ((item * channels + c) * height + y) * width + left;
          for (let dx = 0; dx < patch; dx++) row[k++] = pixels[line + dx]!;
        }
      }
      dotRows(row, 0, weights, sums);
      for (let n = 0; n < outputs; n++) sums[n] = sums[n]! + biases[n]!;
      visit(item, i, sums);
    }
  }
}
