import { CqDequantize, sizeOf, type DequantizeAttrs } from '@cq/core/runtime';
import { registerWasmKernel } from './kernel.ts';

export function registerDequantize(): void {
  registerWasmKernel<DequantizeAttrs>(CqDequantize, ({ kernels, attrs: { zeroPoint }, shapes, at, wide, output }) => {
    const scales = sizeOf(shapes['scale']!);
    kernels.dequantize(at('codes'), wide('codes'), output.size, at('scale'), scales, zeroPoint, output.at);
  });
}
