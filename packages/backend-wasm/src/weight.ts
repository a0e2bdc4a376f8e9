import { CqWeight, sizeOf, type WeightAttrs } from '@cq/core/runtime';
import { registerWasmKernel } from './kernel.ts';

export function registerWeight(): void {
  registerWasmKernel<WeightAttrs>(CqWeight, ({ kernels, attrs, shapes, at, output }) => {
    const { bits, columns, axis, zeroPoint } = attrs;
    const shape = [...shapes['codes']!.slice(0, -1), columns];
    const channels = axis < 0 ? 1 : shape[axis]!;
    const inner = axis < 0 ? output.size : sizeOf(shape.slice(axis + 1));
    const entries = output.size / channels;
    const group = Math.min(attrs.group || entries, entries);
    kernels.weight(
      ...[at('codes'), bits, output.size, columns, channels, inner, group],
      ...[at('scale'), at('levels'), zeroPoint, output.at],
    );
  });
}
