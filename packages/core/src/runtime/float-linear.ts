import { ensure, sizeOf, type Attrs, type LoweredOp } from './op.ts';
import { checkPanels, fromPanels, type PanelAttrs } from './panel.ts';

const { fround } = Math;

/** Attributes of `CqFloatLinear`. */
export interface FloatLinearAttrs extends Attrs, PanelAttrs {
  /** So many consecutive inputs of an output share a scale; the last group may have fewer. Even. */
  readonly group: number;
}

/**
 * A linear layer on floats whose weight stays in codes: smaller, not coarser in its activations.
 *
 *     v[n, k] = fround(w[n, k] · scale[n, ⌊k / group⌋])
 *     y[m, n] = Σ_k x[m, k] · v[n, k] + bias[n]                from k = 0 on, each product and each sum rounded to float32
 *
 * x: float32 [.., inputs]; w: panels; scale: float32 [outputs, groups]; bias: float32 [outputs]; y: float32 [.., outputs].
 */
export const CqFloatLinear: LoweredOp = {
  name: 'CqFloatLinear',
  inputs: ['x', 'w', 'scale', 'bias'],
  attrs: { outputs: 'int', inputs: 'int', weightBits: 'int', layout: 'string', group: 'int' },
  check({ x, w, scale, bias }, attrs) {
    const { outputs, inputs, group } = attrs as FloatLinearAttrs;
    checkPanels('CqFloatLinear', w!, attrs as FloatLinearAttrs);
    ensure(x!.dtype === 'float32', 'CqFloatLinear', 'x must be float32', x!.dtype);
    ensure(x!.shape.at(-1) === inputs, 'CqFloatLinear', `the last size of x must be ${inputs}`, x!.shape);
    ensure(group > 0 && (group % 2 === 0 || group === inputs), 'CqFloatLinear', 'group must be even', group);
    const groups = Math.ceil(inputs / group);
    const scales = scale!.dtype === 'float32' && sizeOf(scale!.shape) === outputs * groups;
    ensure(scales, 'CqFloatLinear', `scale must be float32 [${outputs}, ${groups}]`, scale!.shape);
    const biases = bias!.dtype === 'float32' && sizeOf(bias!.shape) === outputs;
    ensure(biases, 'CqFloatLinear', `bias must be float32 [${outputs}]`, bias!.shape);
  },
  output: ({ x }, attrs) => ({
    dtype: 'float32',
    shape: [...x!.shape.slice(0, -1), (attrs as FloatLinearAttrs).outputs],
  }),
  reference({ x, w, scale, bias }, attrs, output) {
    const { outputs, inputs, weightBits, group } = attrs as FloatLinearAttrs;
    const [values, scales, biases] = [x, scale, bias].map((operand) => operand!.data as Float32Array) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const codes = fromPanels(w!.data as Uint8Array, outputs, inputs, weightBits);
    const groups = Math.ceil(inputs / group);
    const row = new Float32Array(inputs);
    for (let n = 0; n < outputs; n++) {
      for (let k = 0; k < inputs; k++) row[k] = codes[n * inputs + k]! * scales[n * groups + Math.floor(k / group)]!;
      for (let m = 0, at = 0; at < values.length; m++) {
        let sum = 0;
        for (let k = 0; k < inputs; k++) sum = fround(sum + fround(values[at++]! * row[k]!));
        output[m * outputs + n] = fround(sum + biases[n]!);
      }
    }
  },
};
