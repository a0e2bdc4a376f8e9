import { clamp, codeRange, requantize, roundHalfEven } from './arithmetic.ts';
import { codesOf, codeType, ensure, ensureCodes, sizeOf, type Attrs, type LoweredOp, type Shaped } from './op.ts';
import { asInt8, PANEL_LAYOUT, PANEL_OUTPUTS, panelBytes } from './panel.ts';

export interface LinearAttrs extends Attrs {
  /** Sizes of the weight `[outputs, inputs]`. */
  readonly outputs: number;
  readonly inputs: number;
  /** Bits of the weight codes, and the order of its bytes. */
  readonly weightBits: number;
  readonly layout: string;
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
 *     table        y = table[clamp(round(r) + tableZeroPoint)]
 *     residual     y = clamp(round(fround(r + fround(fround(residual − residualZeroPoint) · residualMultiplier))) + zeroPoint)
 *     otherwise    y = clamp(round(r) + zeroPoint)
 *
 * x: int8 [.., inputs]; w: int8 panels; bias: int32 [outputs]; multiplier: float32 [outputs];
 * table: int8 [2^tableBits]; residual: int8 or int16 codes [.., outputs]; y: codes [.., outputs].
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
      ensure(
        sizeOf(table.shape) === 2 ** tableBits,
        'CqLinear',
        `table must have ${2 ** tableBits} bytes`,
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
    const panels = asInt8(w!.data as Uint8Array);
    const biases = bias!.data as Int32Array;
    const multipliers = multiplier!.data as Float32Array;
    const activation = table && asInt8(table.data as Uint8Array);
    const residuals = residual && codesOf(residual);
    const residualMultiplier = Math.fround(a.residualMultiplier);
    const [low, high] = a.bits === 32 ? [0, 0] : codeRange(a.bits);
    const [tableLow, tableHigh] = codeRange(a.tableBits || 8);

    const sums = new Int32Array(Math.ceil(a.outputs / PANEL_OUTPUTS) * PANEL_OUTPUTS);
    for (let row = 0; row < codes.length / a.inputs; row++) {
      dotPanels(codes, row * a.inputs, panels, a.inputs, sums);
      for (let n = 0; n < a.outputs; n++) {
        const at = row * a.outputs + n;
        const sum = (sums[n]! + biases[n]!) | 0;
        if (a.bits === 32) {
          output[at] = sum;
        } else if (activation) {
          const index = clamp(requantize(sum, multipliers[n]!) + a.tableZeroPoint, tableLow, tableHigh);
          output[at] = activation[index - tableLow]!;
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

/** sums[n] = Σ_k x[offset + k] · w[n, k] for every output of a panelled weight, in wrapping int32. */
export function dotPanels(
  x: Int8Array | Int32Array,
  offset: number,
  panels: Int8Array,
  inputs: number,
  sums: Int32Array,
): void {
  const pairs = Math.ceil(inputs / 2);
  sums.fill(0);
  for (let first = 0, at = 0; first < sums.length; first += PANEL_OUTPUTS) {
    for (let pair = 0; pair < pairs; pair++) {
      const x0 = x[offset + 2 * pair]!;
      const x1 = 2 * pair + 1 < inputs ? x[offset + 2 * pair + 1]! : 0;
      for (let n = first; n < first + PANEL_OUTPUTS; n++, at += 2) {
        sums[n] = sums[n]! + x0 * panels[at]! + x1 * panels[at + 1]!;
      }
    }
  }
}

/** What every op with a panelled weight asks of it. */
export function checkWeight(
  op: string,
  w: Shaped,
  bias: Shaped,
  multiplier: Shaped,
  { outputs, inputs, weightBits, layout }: Pick<LinearAttrs, 'outputs' | 'inputs' | 'weightBits' | 'layout'>,
): void {
  ensure(Number.isInteger(outputs) && outputs > 0, op, 'outputs must be a positive integer', outputs);
  ensure(Number.isInteger(inputs) && inputs > 0, op, 'inputs must be a positive integer', inputs);
  ensure(weightBits === 8, op, 'weightBits must be 8', weightBits);
  ensure(layout === PANEL_LAYOUT, op, `layout must be "${PANEL_LAYOUT}"`, layout);
  ensure(w.dtype === 'bool', op, 'w must be packed bytes (bool)', w.dtype);
  ensure(
    sizeOf(w.shape) === panelBytes(outputs, inputs),
    op,
    `w must have ${panelBytes(outputs, inputs)} bytes`,
    w.shape,
  );
  ensure(bias.dtype === 'int32' && sizeOf(bias.shape) === outputs, op, `bias must be int32 [${outputs}]`, bias.shape);
  ensure(
    multiplier.dtype === 'float32' && sizeOf(multiplier.shape) === outputs,
    op,
    `multiplier must be float32 [${outputs}]`,
    multiplier.shape,
  );
}
