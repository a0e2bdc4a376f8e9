import { CqShiftLayerNorm, type ShiftLayerNormAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel, type Call } from './kernel.ts';

export function registerShiftLayerNorm(): void {
  registerWasmKernel(CqShiftLayerNorm, shiftLayerNorm, {
    rows: ['x'],
    weights: ['exponents', 'gamma', 'beta'],
    work: () => 80,
  });
}

export function shiftLayerNorm({ kernels, attrs, shapes, at, wide, scratch, output }: Call<ShiftLayerNormAttrs>): void {
  const { bits, epsilon, gainBits } = attrs;
  const channels = shapes['x']!.at(-1)!;
  const [low, high] = bounds(bits, 0);
  kernels.shiftLayerNorm(
    ...[
      at('x'),
      wide('x'),
      output.size / channels,
      channels,
      at('exponents'),
      at('gamma'),
      at('beta'),
      epsilon,
      gainBits,
    ],
    ...[low, high, output.at, output.wide],
    scratch(kernels.shiftLayerNormScratch(channels)),
  );
}
