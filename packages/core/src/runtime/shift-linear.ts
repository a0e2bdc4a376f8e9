import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { dotRows } from './linear.ts';
import { codesOf, codeType, ensure, ensureCodes, sizeOf, type Attrs, type LoweredOp } from './op.ts';
import { asInt8, checkPanels, fromPanels, type PanelAttrs } from './panel.ts';
import { ensureExponent, ensureIntegers, EXPONENT, shifted } from './shift.ts';

/** Attributes of `CqShiftLinear`. */
export interface ShiftLinearAttrs extends Attrs, PanelAttrs {
  /** Bits of the output codes; 32 gives the accumulators. */
  readonly bits: number;
  /** 0: no activation. k: the shifted accumulator, k bits wide, is an index into `table`. */
  readonly tableBits: number;
  readonly residual: boolean;
  /** What the codes mean: read by `raise` and `inspect`, not by kernels. */
  readonly inputExponent: number;
  readonly tableExponent: number;
  readonly activation: string;
}

/**
 * `CqLinear` of a power-of-two model, without a float:
 *
 *     a[m, n] = Σ_k x[m, k] · w[n, k] + bias[n]     (int32, in units of 2^unit[n])
 *     r[m, n] = a · 2^(unit[n] − exponent[n])       (exact)
 *
 *     bits 32      y = a
 *     table        y = table[clamp(round(r))]
 *     residual     y = clamp(round(r + residual · 2^(residualExponent[n] − exponent[n])))        (one rounding, of the exact sum)
 *     otherwise    y = clamp(round(r))
 *
 * x: int8 [.., inputs]; w: panels of codes [outputs, inputs]; bias, unit, exponent, residualExponent: int32 [outputs];
 * table: int8 [2^tableBits]; residual: int8 or int16 codes [.., outputs]; y: codes [.., outputs].
 */
export const CqShiftLinear: LoweredOp = {
  name: 'CqShiftLinear',
  inputs: ['x', 'w', 'bias', 'unit', 'exponent', 'table', 'residual', 'residualExponent'],
  attrs: {
    outputs: 'int',
    inputs: 'int',
    weightBits: 'int',
    layout: 'string',
    bits: 'int',
    tableBits: 'int',
    residual: 'bool',
    inputExponent: 'int',
    tableExponent: 'int',
    activation: 'string',
  },
  present(input, attrs) {
    const { tableBits, residual, bits } = attrs as ShiftLinearAttrs;
    if (input === 'exponent') return bits !== 32;
    return input === 'table' ? tableBits > 0 : !input.startsWith('residual') || residual;
  },
  bounds: (input) => (exponents.includes(input) ? [-EXPONENT, EXPONENT] : undefined),
  check({ x, w, table, residual, ...integers }, attrs) {
    const { outputs, inputs, tableBits, bits, inputExponent, tableExponent } = attrs as ShiftLinearAttrs;
    const op = 'CqShiftLinear';
    checkPanels(op, w!, attrs as ShiftLinearAttrs);
    for (const [name, operand] of Object.entries(integers)) ensureIntegers(op, name, operand, outputs);
    ensure(x!.dtype === 'bool', op, 'x must be int8 codes (bool)', x!.dtype);
    ensure(x!.shape.at(-1) === inputs, op, `the last size of x must be ${inputs}`, x!.shape);
    ensureExponent(op, 'inputExponent', inputExponent);
    ensureExponent(op, 'tableExponent', tableExponent);
    if (bits !== 32) ensureCodes(op, bits, 0);
    if (table) {
      ensure(tableBits >= 8 && tableBits <= 12, op, 'tableBits must be 0 or 8 to 12', tableBits);
      ensure(bits <= 8, op, 'a table gives at most 8 bits', bits);
      ensure(sizeOf(table.shape) === 2 ** tableBits, op, `table must have ${2 ** tableBits} bytes`, table.shape);
    }
    if (residual) {
      ensure(residual.dtype !== 'float32', op, 'residual must be codes', residual.dtype);
      ensure(
        residual.shape.at(-1) === outputs && sizeOf(residual.shape) * inputs === sizeOf(x!.shape) * outputs,
        op,
        `residual must have as many rows as x and ${outputs} channels`,
        residual.shape,
      );
    }
  },
  output: ({ x }, attrs) => ({
    dtype: codeType((attrs as ShiftLinearAttrs).bits),
    shape: [...x!.shape.slice(0, -1), (attrs as ShiftLinearAttrs).outputs],
  }),
  reference({ x, w, bias, unit, exponent, table, residual, residualExponent }, attrs, output) {
    const { outputs, inputs, weightBits, bits, tableBits } = attrs as ShiftLinearAttrs;
    const codes = codesOf(x!);
    const weights = fromPanels(w!.data as Uint8Array, outputs, inputs, weightBits);
    const [biases, units, exponents] = [bias!, unit!, exponent].map((operand) => operand?.data as Int32Array);
    const activation = table && asInt8(table.data as Uint8Array);
    const residuals = residual && codesOf(residual);
    const residualExponents = residualExponent?.data as Int32Array;
    const [low, high] = codeRange(activation ? tableBits : bits);
    const sums = new Int32Array(outputs);
    for (let row = 0; row < codes.length / inputs; row++) {
      dotRows(codes, row * inputs, weights, sums);
      for (let n = 0; n < outputs; n++) {
        const at = row * outputs + n;
        const sum = (sums[n]! + biases![n]!) | 0;
        if (bits === 32) {
          output[at] = sum;
          continue;
        }
        let exact = shifted(sum, units![n]!, exponents![n]!);
        if (residuals) exact += shifted(residuals[at]!, residualExponents[n]!, exponents![n]!);
        const code = clamp(roundHalfEven(exact), low, high);
        output[at] = activation ? activation[code - low]! : code;
      }
    }
  },
};

const exponents = ['unit', 'exponent', 'residualExponent'];
