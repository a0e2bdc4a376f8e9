import { CqAdd, sizeOf, type AddAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel } from './kernel.ts';

export function registerAdd(): void {
  registerWasmKernel<AddAttrs>(CqAdd, ({ kernels, attrs, shapes, at, wide, output }) => {
    const { inputZeroPoint, multiplier, bits, zeroPoint } = attrs;
    const count = sizeOf(shapes['addend']!);
    const [low, high] = bounds(bits, zeroPoint);
    kernels.add(
      ...[at('x'), wide('x'), output.size / count, count, at('addend'), inputZeroPoint, multiplier],
      ...[low, high, zeroPoint, output.at, output.wide],
    );
  });
}
