import { CqFloatLinear, type FloatLinearAttrs } from '@cq/core/runtime';
import { registerWasmKernel, type Call } from './kernel.ts';

export function registerFloatLinear(): void {
  registerWasmKernel(CqFloatLinear, floatLinear, {
    rows: ['x'],
    weights: ['w', 'scale', 'bias'],
    work: ({ inputs }) => 4 * inputs,
  });
}

function floatLinear({ kernels, attrs, at, scratch, output }: Call<FloatLinearAttrs>): void {
  const { outputs, inputs, group, weightBits } = attrs;
  kernels.floatLinear(
    ...[at('x'), output.size / outputs, inputs, at('w'), weightBits, outputs, at('scale'), group, at('bias')],
    ...[output.at, scratch(kernels.floatLinearScratch(inputs, weightBits))],
  );
}
