import { CqFloatLinear, type FloatLinearAttrs } from '@cq/core/runtime';
import { weightCodes } from './glsl/weights.ts';
import { registerWebglKernel } from './kernel.ts';

/** Floats of the graphics card: its rounding is not promised, so that this one op is only close to its definition. */
const product = `
uint element(int i) {
  int row = i / outputs;
  int n = i - row * outputs;
  float sum = 0.0;
  for (int from = 0; from < columns; from += group) {
    float scale = intBitsToFloat(scaleAt(n * groups + from / group));
    int end = min(from + group, columns);
    for (int k = from; k < end; k++) {
      float weight = float(weightAt(n, k)) * scale;
      sum += intBitsToFloat(xAt(row * columns + k)) * weight;
    }
  }
  return floatBitsToUint(sum + intBitsToFloat(biasAt(n)));
}
`;

export function registerFloatLinear(): void {
  registerWebglKernel<FloatLinearAttrs>(CqFloatLinear, ({ attrs, inputs, output, draw }) => {
    const { inputs: columns, outputs, weightBits, group } = attrs;
    const ints = { columns, outputs, group, groups: Math.ceil(columns / group) };
    draw(weightCodes(weightBits) + product, inputs, ints, output);
  });
}
