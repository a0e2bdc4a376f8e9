import { codeRange, CqShiftLinear, type ShiftLinearAttrs } from '@cq/core/runtime';
import { shift } from './glsl/shift.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';
import { matrixProduct } from './matrix.ts';
import type { Texture } from './texture.ts';

const once = 'roundShifted(uint(sum + addend), uint(1200 + shift))';

const ends = {
  raw: 'return uint(sum + addend);',
  table: `return uint(tableAt(clamp(int(${once}), low, high) - low));`,
  residual: `uint e = uint(1200 + shift);
  uint f = uint(1200 + residualShift);
  return uint(clamp(int(roundSum(uint(sum + addend), e, uint(residualAt(row * outputs + n)), f)), low, high));`,
  codes: `return uint(clamp(int(${once}), low, high));`,
};

const finish = (end: keyof typeof ends): string => `${uint64}${shift}
int addend;
int shift;
int residualShift;
void prepare(int n) {
  addend = biasAt(n);
  ${end === 'raw' ? '' : 'shift = unitAt(n) - exponentAt(n);'}
  ${end === 'residual' ? 'residualShift = residualExponentAt(n) - exponentAt(n);' : ''}
}
uint finished(int sum, int row, int n) {
  ${ends[end]}
}
uint quick(int sum, int row, int n) {
  return finished(sum, row, n);
}
`;

export function registerShiftLinear(): void {
  registerWebglKernel<ShiftLinearAttrs>(CqShiftLinear, (call) => {
    const { attrs, inputs, output } = call;
    const { bits, tableBits } = attrs;
    const end = bits === 32 ? 'raw' : inputs['table'] ? 'table' : inputs['residual'] ? 'residual' : 'codes';
    const [low, high] = codeRange(end === 'table' ? tableBits : Math.min(bits, 16));
    const ints: Record<string, number> = end === 'raw' ? {} : { low, high };
    matrixProduct(call, inputs['x']!, output as Texture, attrs, { text: finish(end), inputs, ints });
  });
}
