import { CqAttention, type AttentionAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel } from './kernel.ts';

export function registerAttention(): void {
  registerWasmKernel<AttentionAttrs>(CqAttention, ({ kernels, attrs, shapes, at, scratch, output }) => {
    const { heads, depth, logitMultiplier, logitZeroPoint, outputMultiplier, zeroPoint } = attrs;
    const [batch, tokens, channels] = shapes['q'] as readonly [number, number, number];
    const [logitLow, logitHigh] = bounds(attrs.logitBits, logitZeroPoint);
    const [low, high] = bounds(attrs.bits, zeroPoint);
    const inverse = Math.fround(1 / Math.fround(attrs.probabilityScale));
    const top = 2 ** attrs.probabilityBits - 1;
    kernels.attention(
      ...[at('q'), at('k'), at('v'), at('exponentials'), at('levels'), at('mask')],
      ...[batch, tokens, channels, heads],
      ...[logitMultiplier, logitLow, logitHigh, logitZeroPoint, inverse, top],
      ...[outputMultiplier, low, high, zeroPoint, output.at, output.wide],
      scratch(kernels.attentionScratch(tokens, depth)),
    );
  });
}
