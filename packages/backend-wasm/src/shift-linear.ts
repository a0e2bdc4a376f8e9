import { codeRange, CqShiftLinear, type ShiftLinearAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel, type Call } from './kernel.ts';

/** What becomes of an accumulator, as assembly/epilogue.ts numbers it. */
const kinds = { raw: 0, codes: 6, table: 7, addInt8: 8, addInt32: 9 } as const;

export function registerShiftLinear(): void {
  registerWasmKernel(CqShiftLinear, shiftLinear, {
    rows: ['x', 'residual'],
    weights: ['w', 'bias', 'unit', 'exponent', 'residualExponent', 'table'],
    work: ({ inputs }) => inputs,
  });
}

export function shiftLinear({ kernels, attrs, at, wide, scratch, output }: Call<ShiftLinearAttrs>): void {
  const { outputs, inputs, weightBits, tableBits, bits } = attrs;
  const rows = output.size / outputs;
  const added = [kinds.addInt8, kinds.addInt32][wide('residual')]!;
  const kind = bits === 32 ? kinds.raw : at('table') ? kinds.table : at('residual') ? added : kinds.codes;
  const codeBits = kind === kinds.table ? tableBits : kind === kinds.raw ? 1 : bits;
  const [low, high] = bounds(codeBits, 0);
  kernels.shiftLinear(
    ...[at('x'), rows, inputs, at('w'), weightBits, outputs, at('bias'), at('unit'), at('exponent')],
    ...[kind, low, high, at('table') - codeRange(codeBits)[0]],
    ...[at('residual'), at('residualExponent'), output.at, output.wide],
    scratch(kernels.shiftLinearScratch(inputs, weightBits, rows, outputs)),
  );
}
