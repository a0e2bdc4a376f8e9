import { attentionShifts, CqShiftAttention, type ShiftAttentionAttrs } from '@cq/core/runtime';
import { attentionParting } from './attention.ts';
import { bounds } from './bounds.ts';
import { registerWasmKernel, type Call } from './kernel.ts';

export function registerShiftAttention(): void {
  registerWasmKernel(CqShiftAttention, shiftAttention, attentionParting);
}

export function shiftAttention({ kernels, attrs, shapes, at, scratch, output }: Call<ShiftAttentionAttrs>): void {
  const { heads, depth, windows, logitBits, probabilityExponent, probabilityBits } = attrs;
  const [, tokens, channels] = shapes['k'] as readonly [number, number, number];
  const [first, end] = [output.first / channels, (output.first + output.size) / channels];
  const [logitLow, logitHigh] = bounds(logitBits, 0);
  const [low, high] = bounds(attrs.bits, 0);
  const { logitShift, outputShift } = attentionShifts(attrs);
  kernels.shiftAttention(
    ...[at('q'), at('k'), at('v'), at('exponentials'), at('levels'), at('bias'), at('visible'), windows],
    ...[at('boundaries'), at('mask')],
    ...[first, end, tokens, channels, heads],
    ...[logitShift, logitLow, logitHigh, 2 ** -probabilityExponent, 2 ** probabilityBits - 1],
    ...[outputShift, low, high, output.at, output.wide],
    scratch(kernels.attentionScratch(tokens, depth)),
  );
}
