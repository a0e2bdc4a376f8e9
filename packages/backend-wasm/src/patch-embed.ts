import { CqPatchEmbed, type PatchEmbedAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel, type Call } from './kernel.ts';

export function registerPatchEmbed(): void {
  registerWasmKernel(CqPatchEmbed, patchEmbed, {
    rows: [],
    weights: ['w', 'bias', 'multiplier', 'tokens'],
    work: ({ inputs }) => inputs,
  });
}

function patchEmbed({ kernels, attrs, shapes, at, scratch, output }: Call<PatchEmbedAttrs>): void {
  const { outputs, inputs, weightBits, patch, rows, columns, prefix, bits, zeroPoint } = attrs;
  const [, channels, height, width] = shapes['x'] as readonly [number, number, number, number];
  const [first, end] = [output.first / outputs, (output.first + output.size) / outputs];
  const [low, high] = bounds(bits, zeroPoint);
  kernels.patchEmbed(
    ...[at('x'), first, end, channels, height, width, patch, prefix, shapes['tokens']![0]!],
    ...[at('w'), weightBits, outputs, at('bias'), at('multiplier'), at('tokens')],
    ...[low, high, zeroPoint, output.at, output.wide],
    scratch(kernels.patchEmbedScratch(inputs, weightBits, rows * columns)),
  );
}
