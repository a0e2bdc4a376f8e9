import { codeRange, CqDynamicLinear, type DynamicLinearAttrs } from '@cq/core/runtime';
import { registerWasmKernel, type Call } from './kernel.ts';

export function registerDynamicLinear(): void {
  registerWasmKernel(CqDynamicLinear, dynamicLinear, {
    rows: ['x'],
    weights: ['w', 'scale', 'bias'],
    work: ({ inputs }) => inputs,
  });
}

function dynamicLinear({ kernels, attrs, at, scratch, output }: Call<DynamicLinearAttrs>): void {
  const { outputs, inputs, bits, weightBits } = attrs;
  const rows = output.size / outputs;
  kernels.dynamicLinear(
    ...[at('x'), rows, inputs, ...codeRange(bits), at('w'), weightBits, outputs, at('scale'), at('bias')],
    ...[output.at, scratch(kernels.dynamicLinearScratch(inputs, weightBits, outputs, rows))],
  );
}
