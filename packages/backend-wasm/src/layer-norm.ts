import { CqLayerNorm, epsilonTerm, type LayerNormAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel, type Call } from './kernel.ts';

export function registerLayerNorm(): void {
  registerWasmKernel(CqLayerNorm, layerNorm, { rows: ['x'], weights: ['gamma', 'beta'], work: () => 40 });
}

function layerNorm({ kernels, attrs, shapes, at, wide, scratch, output }: Call<LayerNormAttrs>): void {
  const { bits, zeroPoint } = attrs;
  const channels = shapes['x']!.at(-1)!;
  const [low, high] = bounds(bits, zeroPoint);
  kernels.layerNorm(
    ...[at('x'), wide('x'), output.size / channels, channels, at('gamma'), at('beta'), epsilonTerm(attrs, channels)],
    ...[low, high, zeroPoint, output.at, output.wide],
    scratch(kernels.layerNormScratch(channels)),
  );
}
