import { CqAttention, type AttentionAttrs, type Attrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel, type Call } from './kernel.ts';
import type { Parting } from './threads/parts.ts';

export function registerAttention(): void {
  registerWasmKernel(CqAttention, attention, attentionParting);
}

/** A row is a query: it meets all keys and values. */
export const attentionParting: Parting<Attrs> = {
  rows: ['q'],
  weights: ['exponentials', 'levels', 'bias', 'visible', 'boundaries'],
  work: (_, shapes) => 3 * shapes['k']![1]!,
};

function attention({ kernels, attrs, shapes, at, scratch, output }: Call<AttentionAttrs>): void {
  const { heads, depth, logitMultiplier, logitZeroPoint, outputMultiplier, zeroPoint } = attrs;
  const [, tokens, channels] = shapes['k'] as readonly [number, number, number];
  const [first, end] = [output.first / channels, (output.first + output.size) / channels];
  const [logitLow, logitHigh] = bounds(attrs.logitBits, logitZeroPoint);
  const [low, high] = bounds(attrs.bits, zeroPoint);
  const inverse = Math.fround(1 / Math.fround(attrs.probabilityScale));
  const top = 2 ** attrs.probabilityBits - 1;
  kernels.attention(
    ...[at('q'), at('k'), at('v'), at('exponentials'), at('levels'), at('bias'), at('visible'), attrs.windows],
    ...[at('boundaries'), at('mask')],
    ...[first, end, tokens, channels, heads],
    ...[logitMultiplier, logitLow, logitHigh, logitZeroPoint, inverse, top],
    ...[outputMultiplier, low, high, zeroPoint, output.at, output.wide],
    scratch(kernels.attentionScratch(tokens, depth)),
  );
}
