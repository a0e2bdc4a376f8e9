import { codeRange, CqLinear, sizeOf, type LinearAttrs } from '@cq/core/runtime';
import { bounds } from './bounds.ts';
import { registerWasmKernel, type Call } from './kernel.ts';

/** What becomes of an accumulator, as assembly/epilogue.ts numbers it. */
const kinds = { raw: 0, codes: 1, table: 2, addInt8: 3, addInt32: 4 } as const;

export function registerLinear(): void {
  registerWasmKernel(CqLinear, linear, {
    rows: ['x', 'residual'],
    weights: ['w', 'bias', 'multiplier', 'table'],
    work: ({ inputs }) => inputs,
  });
}

export function linear({ kernels, attrs, at, wide, scratch, output, shapes }: Call<LinearAttrs>): void {
  const { outputs, inputs, weightBits, tableBits, bits } = attrs;
  const rows = output.size / outputs;
  const kind =
    bits === 32
      ? kinds.raw
      : at('table')
        ? kinds.table
        : at('residual')
          ? [kinds.addInt8, kinds.addInt32][wide('residual')]!
          : kinds.codes;
  const zeroPoint = kind === kinds.table ? attrs.tableZeroPoint : kind === kinds.raw ? 0 : attrs.zeroPoint;
  const codeBits = kind === kinds.table ? tableBits : kind === kinds.raw ? 1 : bits;
  const [low, high] = bounds(codeBits, zeroPoint);
  const table = at('table') - codeRange(codeBits)[0];
  const tableBytes = 2 ** tableBits;
  const tableOutputs = shapes['table'] ? (outputs * tableBytes) / sizeOf(shapes['table']) : outputs;
  kernels.linear(
    ...[at('x'), rows, inputs, at('w'), weightBits, outputs, at('bias'), at('multiplier')],
    ...[kind, low, high, zeroPoint, table, tableOutputs, tableBytes],
    ...[at('residual'), attrs.residualMultiplier, attrs.residualZeroPoint, output.at, output.wide],
    scratch(kernels.linearScratch(inputs, weightBits, rows)),
  );
}
