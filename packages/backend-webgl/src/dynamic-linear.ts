import { codeRange, CqDynamicLinear, type DynamicLinearAttrs } from '@cq/core/runtime';
import { codes } from './glsl/codes.ts';
import { float32 } from './glsl/float32.ts';
import { uint64 } from './glsl/uint64.ts';
import type { Source } from './gpu.ts';
import { registerWebglKernel } from './kernel.ts';
import { matrixProduct } from './matrix.ts';

const prelude = `${uint64}${float32}${codes}`;

/** The scale of a row: `rowScale` of `@cq/core/runtime`, whose least is 2^-100. */
const rowScale = `${prelude}
uint element(int row) {
  uint largest = 0u;
  for (int k = 0; k < columns; k++) {
    uint size = uint(xAt(row * columns + k)) & 0x7fffffffu;
    if (size <= INFINITE) largest = max(largest, size);
  }
  uint scale = divFloat(largest, floatOf(uint(high)));
  return scale > 0xd800000u && scale < INFINITE ? scale : 0xd800000u;
}
`;

const quantized = `${prelude}
uint element(int i) {
  return uint(codeOf(divFloat(uint(xAt(i)), uint(stepAt(i / columns))), 0, low, high));
}
`;

const sums = `${uint64}
void prepare(int n) {}
uint finished(int sum, int row, int n) {
  return uint(sum);
}
uint quick(int sum, int row, int n) {
  return uint(sum);
}
`;

const finished = `${prelude}
uint element(int i) {
  int row = i / outputs;
  int n = i - row * outputs;
  uint scale = mulFloat(uint(stepAt(row)), uint(scaleAt(n)));
  return addFloat(scaled(sumsAt(i), scale), uint(biasAt(n)));
}
`;

export function registerDynamicLinear(): void {
  registerWebglKernel<DynamicLinearAttrs>(CqDynamicLinear, (call) => {
    const { attrs, inputs, output, scratch, draw } = call;
    const { inputs: columns, outputs } = attrs;
    const { x, w, scale, bias } = inputs as Readonly<Record<'x' | 'w' | 'scale' | 'bias', Source>>;
    const rows = output.size / outputs;
    const [low, high] = codeRange(attrs.bits);
    const step = scratch(rows, 32);
    draw(rowScale, { x }, { columns, high }, step);
    const row = scratch(rows * columns, 8);
    draw(quantized, { x, step }, { columns, low, high }, row);
    const products = scratch(rows * outputs, 32);
    matrixProduct(call, row, products, attrs, { text: sums, inputs: { w }, ints: {} });
    draw(finished, { sums: products, step, scale, bias }, { outputs }, output);
  });
}
