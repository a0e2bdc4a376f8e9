import { clamp, codeRange, requantize, roundHalfEven } from './arithmetic.ts';
import { codesOf, codeType, ensure, ensureCodes, sizeOf, type Attrs, type LoweredOp, type Shaped } from './op.ts';
import { asInt8, checkPanels, fromPanels, type PanelAttrs } from './panel.ts';

/** Attributes of `CqLinear`. */
export interface LinearAttrs extends Attrs, PanelAttrs {
  /** Bits of the output codes; 32 gives the raw accumulators. */
  readonly bits: number;
  readonly zeroPoint: number;
  /** 0: no activation. k: the requantized accumulator, k bits wide, is an index into `table`. */
  readonly tableBits: number;
  readonly tableZeroPoint: number;
  /** Whether `residual` is added before rounding, as `(residual − residualZeroPoint) · residualMultiplier`. */
  readonly residual: boolean;
  readonly residualMultiplier: number;
  readonly residualZeroPoint: number;
  /** What the codes mean: read by `raise` and `inspect`, not by kernels. */
  readonly inputScale: number;
  readonly inputZeroPoint: number;
  readonly tableScale: number;
  readonly outputScale: number;
  readonly residualScale: number;
  readonly activation: string;
}

/**
 * a[m, n] = Σ_k x[m, k] · w[n, k] + bias[n]     (int32; the input's zero point is folded into the bias)
 * r[m, n] = fround(fround(a) · multiplier[n])
 *
 *     bits 32      y = a
 *     table        y = table[t, clamp(round(r) + tableZeroPoint)]      t: the n-th output's table, of which there may be several
 *     residual     y = clamp(round(fround(r + fround(fround(residual − residualZeroPoint) · residualMultiplier))) + zeroPoint)
 *     otherwise    y = clamp(round(r) + zeroPoint)
 *
 * x: int8 [.., inputs]; w: panels of codes [outputs, inputs]; bias: int32 [outputs]; multiplier: float32 [outputs];
 * table: int8 [tables · 2^tableBits], each for as many outputs, a multiple of 8 if there are several; residual: int8 or int16 codes [.., outputs]; y: codes [.., outputs].
 */
export const CqLinear: LoweredOp = {
  name: 'CqLinear',
  inputs: ['x', 'w', 'bias', 'multiplier', 'table', 'residual'],
  attrs: {
    outputs: 'int',
    inputs: 'int',
    weightBits: 'int',
    layout: 'string',
    bits: 'int',
    zeroPoint: 'int',
    tableBits: 'int',
    tableZeroPoint: 'int',
    residual: 'bool',
    residualMultiplier: 'float',
    residualZeroPoint: 'int',
    inputScale: 'float',
    inputZeroPoint: 'int',
    tableScale: 'float',
    outputScale: 'float',
    residualScale: 'float',
    activation: 'string',
  },
  present: (input, attrs) =>
    input === 'table' ? (attrs as LinearAttrs).tableBits > 0 : input !== 'residual' || (attrs as LinearAttrs).residual,
  check({ x, w, bias, multiplier, table, residual }, attrs) {
    const { outputs, inputs, tableBits, tableZeroPoint, bits, zeroPoint } = attrs as LinearAttrs;
    checkWeight('CqLinear', w!, bias!, multiplier!, attrs as LinearAttrs);
    ensure(x!.dtype === 'bool', 'CqLinear', 'x must be int8 codes (bool)', x!.dtype);
    ensure(x!.shape.at(-1) === inputs, 'CqLinear', `the last size of x must be ${inputs}`, x!.shape);
    if (bits !== 32) ensureCodes('CqLinear', bits, zeroPoint);
    if (table) {
      ensure(tableBits >= 8, 'CqLinear', 'tableBits must be 0 or 8 to 12', tableBits);
      ensureCodes('CqLinear', tableBits, tableZeroPoint, 12);
      ensure(bits <= 8, 'CqLinear', 'a table gives at most 8 bits', bits);
      const tables = sizeOf(table.shape) / 2 ** tableBits;
      ensure(
        tables === 1 || (Number.isInteger(tables) && outputs % (8 * tables) === 0),
        'CqLinear',
        `table must have ${2 ** tableBits} bytes, or as many for each of several parts of 8, 16, … outputs`,
        table.shape,
      );
    }
    if (residual) {
      ensure(residual.dtype !== 'float32', 'CqLinear', 'residual must be codes', residual.dtype);
      ensure(
        residual.shape.at(-1) === outputs && sizeOf(residual.shape) * inputs === sizeOf(x!.shape) * outputs,
        'CqLinear',
        `residual must have as many rows as x and ${outputs} channels`,
        residual.shape,
      );
    }
  },
  output: ({ x }, attrs) => ({
    dtype: codeType((attrs as LinearAttrs).bits),
    shape: [...x!.shape.slice(0, -1), (attrs as LinearAttrs).outputs],
  }),
  reference({ x, w, bias, multiplier, table, residual }, attrs, output) {
    const a = attrs as LinearAttrs;
    const codes = codesOf(x!);
    const weights = fromPanels(w!.data as Uint8Array, a.outputs, a.inputs, a.weightBits);
    const biases = bias!.data as Int32Array;
    const multipliers = multiplier!.data as Float32Array;
    const activation = table && asInt8(table.data as Uint8Array);
    const residuals = residual && codesOf(residual);
    const residualMultiplier = Math.fround(a.residualMultiplier);
    const [low, high] = a.bits === 32 ? [0, 0] : codeRange(a.bits);
    const [tableLow, tableHigh] = codeRange(a.tableBits || 8);

    const sums = new Int32Array(a.outputs);
    for (let row = 0; row < codes.length / a.inputs; row++) {
      dotRows(codes, row * a.inputs, weights, sums);
      for (let n = 0; n < a.outputs; n++) {
        const at = row * a.outputs + n;
        const sum = (sums[n]! + biases[n]!) | 0;
        if (a.bits === 32) {
          output[at] = sum;
        } else if (activation) {
          const index = clamp(requantize(sum, multipliers[n]!) + a.tableZeroPoint, tableLow, tableHigh);
          const own = Math.floor((n * activation.length) / (a.outputs * 2 ** a.tableBits));
          output[at] = activation[own * 2 ** a.tableBits + index - tableLow]!;
        } else if (residuals) {
          const scaled = Math.fround(Math.fround(sum) * multipliers[n]!);
          const added = Math.fround(Math.fround(residuals[at]! - a.residualZeroPoint) * residualMultiplier);
          output[at] = clamp(roundHalfEven(Math.fround(scaled + added)) + a.zeroPoint, low, high);
        } else {
          output[at] = clamp(requantize(sum, multipliers[n]!) + a.zeroPoint, low, high);
        }
      }
    }
  },
};

/** sums[n] = Σ_k x[offset + k] · w[n, k] for every output of row-major weights, in wrapping int32. */
export function dotRows(x: Int8Array | Int32Array, offset: number, weights: Int8Array, sums: Int32Array): void {
  const inputs = weights.length / sums.length;
  for (let n = 0, at = 0; n < sums.length; n++) {
    let sum = 0;
    for (let k = 0; k < inputs; k++, at++) sum = (sum + x[offset + k]! * weights[at]!) | 0;
    sums[n] = sum;
  }
}

/** What an op with a panelled weight, a bias and a multiplier asks of them. */
export function checkWeight(op: string, w: Shaped, bias: Shaped, multiplier: Shaped, attrs: PanelAttrs): void {
  const { outputs } = attrs;
  checkPanels(op, w, attrs);
  ensure(bias.dtype === 'int32' && sizeOf(bias.shape) === outputs, op, `bias must be int32 [${outputs}]`, bias.shape);
  ensure(
    multiplier.dtype === 'float32' && sizeOf(multiplier.shape) === outputs,
    op,
    `multiplier must be float32 [${outputs}]`,
    multiplier.shape,
  );
}
