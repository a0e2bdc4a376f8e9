import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { ensure, sizeOf, type Attrs, type LoweredOp } from './op.ts';
import { checkPanels, fromPanels, type PanelAttrs } from './panel.ts';
import { rowScale } from './row-scale.ts';

const { fround } = Math;

/** Attributes of `CqDynamicLinear`. */
export interface DynamicLinearAttrs extends Attrs, PanelAttrs {
  /** Bits of the codes that a row of x gets. */
  readonly bits: number;
}

/**
 * A linear layer that needs no calibration: every row of x is quantized by its own largest value while running.
 *
 *     s[m]    = rowScale(max_k |x[m, k]|)
 *     q[m, k] = clamp(round(fround(x[m, k] / s[m])))                                  NaN gives 0
 *     y[m, n] = fround(fround(fround(Σ_k q[m, k] · w[n, k]) · fround(s[m] · scale[n])) + bias[n])
 *
 * x: float32 [.., inputs]; w: panels; scale, bias: float32 [outputs]; y: float32 [.., outputs].
 */
export const CqDynamicLinear: LoweredOp = {
  name: 'CqDynamicLinear',
  inputs: ['x', 'w', 'scale', 'bias'],
  attrs: { outputs: 'int', inputs: 'int', weightBits: 'int', layout: 'string', bits: 'int' },
  check({ x, w, scale, bias }, attrs) {
    const { outputs, inputs, bits } = attrs as DynamicLinearAttrs;
    checkPanels('CqDynamicLinear', w!, attrs as DynamicLinearAttrs);
    ensure(x!.dtype === 'float32', 'CqDynamicLinear', 'x must be float32', x!.dtype);
    ensure(x!.shape.at(-1) === inputs, 'CqDynamicLinear', `the last size of x must be ${inputs}`, x!.shape);
    ensure(bits >= 2 && bits <= 8, 'CqDynamicLinear', 'bits must be 2 to 8', bits);
    for (const [name, { dtype, shape }] of Object.entries({ scale: scale!, bias: bias! })) {
      const fits = dtype === 'float32' && sizeOf(shape) === outputs;
      ensure(fits, 'CqDynamicLinear', `${name} must be float32 [${outputs}]`, shape);
    }
  },
  output: ({ x }, attrs) => ({
    dtype: 'float32',
    shape: [...x!.shape.slice(0, -1), (attrs as DynamicLinearAttrs).outputs],
  }),
  reference({ x, w, scale, bias }, attrs, output) {
    const { outputs, inputs, bits, weightBits } = attrs as DynamicLinearAttrs;
    const values = x!.data as Float32Array;
    const scales = scale!.data as Float32Array;
    const biases = bias!.data as Float32Array;
    const weights = fromPanels(w!.data as Uint8Array, outputs, inputs, weightBits);
    const [low, high] = codeRange(bits);
    const codes = new Int32Array(inputs);
    for (let row = 0; row < values.length / inputs; row++) {
      const x = values.subarray(row * inputs, (row + 1) * inputs);
      const step = rowScale(x, bits);
      for (let k = 0; k < inputs; k++) {
        const code = roundHalfEven(fround(x[k]! / step));
        codes[k] = code === code ? clamp(code, low, high) : 0;
      }
      for (let n = 0; n < outputs; n++) {
        let sum = 0;
        for (let k = 0; k < inputs; k++) sum = (sum + codes[k]! * weights[n * inputs + k]!) | 0;
        output[row * outputs + n] = fround(fround(sum) * fround(step * scales[n]!)) + biases[n]!;
      }
    }
  },
};
