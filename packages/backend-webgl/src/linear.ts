import { codeRange, CqLinear, type LinearAttrs } from '@cq/core/runtime';
import { bitsOf } from './bits-of.ts';
import { codes } from './glsl/codes.ts';
import { float32 } from './glsl/float32.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';
import { matrixProduct } from './matrix.ts';
import type { Texture } from './texture.ts';

const ends = {
  raw: 'return uint(sum + addend);',
  table: `int a = sum + addend;
  uint code = uint(tableAt(requantized(a, factor, tableZeroPoint, tableLow, tableHigh) - tableLow));
  if (strange(factor) && isNotANumber(scaled(a, factor))) code = 0u;
  return code;`,
  residual: `int a = sum + addend;
  int b = residualAt(row * outputs + n) - residualZeroPoint;
  float p = float(a) * uintBitsToFloat(factor);
  float q = float(b) * intBitsToFloat(residualMultiplier);
  int code = nearest(p + q, zeroPoint, low, high);
  if (doubtful(p + q, abs(p) + abs(q)) || strange(factor)) {
    code = codeOf(addFloat(scaled(a, factor), scaled(b, uint(residualMultiplier))), zeroPoint, low, high);
  }
  return uint(code);`,
  codes: 'return uint(requantized(sum + addend, factor, zeroPoint, low, high));',
};

const finish = (end: keyof typeof ends): string => `${uint64}${float32}${codes}
int addend;
uint factor;
void prepare(int n) {
  addend = biasAt(n);
  factor = uint(multiplierAt(n));
}
uint finished(int sum, int row, int n) {
  ${ends[end]}
}
`;

export function registerLinear(): void {
  registerWebglKernel<LinearAttrs>(CqLinear, (call) => {
    const { attrs, inputs, output } = call;
    const { bits, zeroPoint, tableBits, tableZeroPoint, residualMultiplier, residualZeroPoint } = attrs;
    const end = bits === 32 ? 'raw' : inputs['table'] ? 'table' : inputs['residual'] ? 'residual' : 'codes';
    const [low, high] = codeRange(bits === 32 ? 8 : bits);
    const [tableLow, tableHigh] = codeRange(tableBits || 8);
    const own: Record<string, number> = {
      raw: {},
      table: { tableZeroPoint, tableLow, tableHigh },
      residual: { zeroPoint, low, high, residualZeroPoint, residualMultiplier: bitsOf(residualMultiplier) },
      codes: { zeroPoint, low, high },
    }[end];
    matrixProduct(call, inputs['x']!, output as Texture, attrs, { text: finish(end), inputs, ints: own });
  });
}
