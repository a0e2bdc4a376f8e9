import { CqShiftPatchEmbed, type ShiftPatchEmbedAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel, type Call } from './kernel.ts';

export function registerShiftPatchEmbed(): void {
  registerWasmKernel(CqShiftPatchEmbed, shiftPatchEmbed, {
    rows: [],
    weights: ['w', 'bias', 'unit', 'exponent', 'tokens'],
    work: ({ inputs }) => inputs,
  });
}

export function shiftPatchEmbed({ kernels, attrs, shapes, at, scratch, output }: Call<ShiftPatchEmbedAttrs>): void {
  const { outputs, inputs, weightBits, patch, rows, columns, prefix, bits } = attrs;
  const [, channels, height, width] = shapes['x'] as readonly [number, number, number, number];
  const [first, end] = [output.first / outputs, (output.first + output.size) / outputs];
  const [low, high] = bounds(bits, 0);
  kernels.shiftPatchEmbed(
    ...[at('x'), first, end, channels, height, width, patch, prefix, shapes['tokens']![0]!],
    ...[at('w'), weightBits, outputs, at('bias'), at('unit'), at('exponent'), at('tokens')],
    ...[low, high, output.at, output.wide],
    scratch(kernels.shiftPatchEmbedScratch(inputs, weightBits, rows * columns, outputs)),
  );
}
