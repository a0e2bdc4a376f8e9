import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { checkWeight, dotPanels, type LinearAttrs } from './linear.ts';
import { codesOf, codeType, ensure, ensureCodes, sizeOf, type Attrs, type LoweredOp } from './op.ts';
import { asInt8, PANEL_OUTPUTS } from './panel.ts';

export interface PatchEmbedAttrs
  extends Attrs, Pick<LinearAttrs, 'outputs' | 'inputs' | 'weightBits' | 'layout' | 'bits' | 'zeroPoint'> {
  /** Side of a square patch in pixels. */
  readonly patch: number;
  /** Patches across and down. */
  readonly columns: number;
  readonly rows: number;
  /** Rows of `tokens` before the first patch (class token, distillation token). */
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
 *     row t < prefix    y[t, n] = clamp(round(tokens[t, n]) + zeroPoint)
 *     patch i           y[prefix + i, n] = clamp(round(fround(r + tokens[prefix + i, n])) + zeroPoint)
 *                       with r = fround(fround(Σ_k x[patch i, k] · w[n, k] + bias[n]) · multiplier[n])
 *
 * x: int8 [batch, channels, height, width]; w: int8 panels; bias: int32 [outputs]; multiplier: float32 [outputs];
 * tokens: float32 [prefix + patches, outputs], in units of the output scale; y: codes [batch, prefix + patches, outputs].
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
    ensure(x!.dtype === 'bool', 'CqPatchEmbed', 'x must be int8 codes (bool)', x!.dtype);
    ensure(x!.shape.length === 4, 'CqPatchEmbed', 'x must be [batch, channels, height, width]', x!.shape);
    const [, channels, height, width] = x!.shape as [number, number, number, number];
    ensure(
      a.patch >= 1 && height === a.rows * a.patch && width === a.columns * a.patch,
      'CqPatchEmbed',
      `x must be ${a.rows} × ${a.columns} patches of ${a.patch} pixels`,
      x!.shape,
    );
    ensure(
      a.inputs === channels * a.patch * a.patch,
      'CqPatchEmbed',
      `inputs must be ${channels * a.patch * a.patch}`,
      a.inputs,
    );
    ensureCodes('CqPatchEmbed', a.bits, a.zeroPoint);
    const rows = a.prefix + a.rows * a.columns;
    ensure(
      a.prefix >= 0 && tokens!.dtype === 'float32' && sizeOf(tokens!.shape) === rows * a.outputs,
      'CqPatchEmbed',
      `tokens must be float32 [${rows}, ${a.outputs}]`,
      tokens!.shape,
    );
  },
  output({ x }, attrs) {
    const { rows, columns, prefix, outputs, bits } = attrs as PatchEmbedAttrs;
    return { dtype: codeType(bits), shape: [x!.shape[0]!, prefix + rows * columns, outputs] };
  },
  reference({ x, w, bias, multiplier, tokens }, attrs, output) {
    const { outputs, inputs, bits, zeroPoint, patch, prefix, rows, columns } = attrs as PatchEmbedAttrs;
    const [batch, channels, height, width] = x!.shape as [number, number, number, number];
    const pixels = codesOf(x!);
    const panels = asInt8(w!.data as Uint8Array);
    const biases = bias!.data as Int32Array;
    const multipliers = multiplier!.data as Float32Array;
    const constants = tokens!.data as Float32Array;
    const [low, high] = codeRange(bits);
    const patches = rows * columns;
    const sums = new Int32Array(Math.ceil(outputs / PANEL_OUTPUTS) * PANEL_OUTPUTS);
    const row = new Int32Array(inputs);

    for (let b = 0; b < batch; b++) {
      const base = b * (prefix + patches) * outputs;
      for (let i = 0; i < prefix * outputs; i++) {
        output[base + i] = clamp(roundHalfEven(constants[i]!) + zeroPoint, low, high);
      }
      for (let i = 0; i < patches; i++) {
        const [top, left] = [Math.floor(i / columns) * patch, (i % columns) * patch];
        for (let k = 0, c = 0; c < channels; c++) {
          for (let y = top; y < top + patch; y++) {
            const line = ((b * channels + c) * height + y) * width + left;
            for (let dx = 0; dx < patch; dx++) row[k++] = pixels[line + dx]!;
          }
        }
        dotPanels(row, 0, panels, inputs, sums);
        for (let n = 0; n < outputs; n++) {
          const at = (prefix + i) * outputs + n;
          const scaled = Math.fround(Math.fround((sums[n]! + biases[n]!) | 0) * multipliers[n]!);
          output[base + at] = clamp(roundHalfEven(Math.fround(scaled + constants[at]!)) + zeroPoint, low, high);
        }
      }
    }
  },
};
