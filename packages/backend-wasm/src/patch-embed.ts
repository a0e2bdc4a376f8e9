import { CqPatchEmbed, type PatchEmbedAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel } from './kernel.ts';

export function registerPatchEmbed(): void {
  registerWasmKernel<PatchEmbedAttrs>(CqPatchEmbed, ({ kernels, attrs, shapes, at, scratch, output }) => {
    const { outputs, inputs, patch, rows, columns, prefix, bits, zeroPoint } = attrs;
    const [batch, channels, height, width] = shapes['x'] as readonly [number, number, number, number];
    const [low, high] = bounds(bits, zeroPoint);
    kernels.patchEmbed(
      ...[at('x'), batch, channels, height, width, patch, prefix],
      ...[at('w'), outputs, at('bias'), at('multiplier'), at('tokens'), low, high, zeroPoint, output.at, output.wide],
      scratch(kernels.patchEmbedScratch(inputs, rows * columns)),
    );
  });
}
