import { CqQuantize, type QuantizeAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel } from './kernel.ts';

export function registerQuantize(): void {
  registerWasmKernel<QuantizeAttrs>(CqQuantize, ({ kernels, attrs: { scale, zeroPoint, bits }, at, output }) => {
    const [low, high] = bounds(bits, zeroPoint);
    kernels.quantize(at('x'), output.size, scale, low, high, zeroPoint, output.at, output.wide);
  });
}
