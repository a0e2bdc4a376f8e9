import { CqDequantize, sizeOf, type DequantizeAttrs } from '@cq/core/runtime';
import { float32 } from './glsl/float32.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';

const body = `${uint64}${float32}
uint element(int i) {
  return mulFloat(floatOf(uint(codesAt(i) - zeroPoint)), uint(scaleAt(i % channels)));
}
`;

export function registerDequantize(): void {
  registerWebglKernel<DequantizeAttrs>(CqDequantize, ({ attrs: { zeroPoint }, shapes, inputs, output, draw }) => {
    const { codes, scale } = inputs as Required<typeof inputs>;
    draw(body, { codes: codes!, scale: scale! }, { zeroPoint, channels: sizeOf(shapes['scale']!) }, output);
  });
}
