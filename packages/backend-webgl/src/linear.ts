import { codeRange, CqLinear, sizeOf, type LinearAttrs } from '@cq/core/runtime';
import { bitsOf } from './bits-of.ts';
import { codes } from './glsl/codes.ts';
import { float32 } from './glsl/float32.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';
import { matrixProduct } from './matrix.ts';
import type { Texture } from './texture.ts';

/** The code of `int a`, an exact sum with its bias: by the card's floats, and exactly. */
const ends = {
  raw: { quick: 'return uint(a);', exact: 'return uint(a);' },
  table: {
    quick: 'return uint(tableAt(start + quickly(a, factor, tableZeroPoint, tableLow, tableHigh)));',
    exact: `uint f = scaled(a, factor);
  return isNotANumber(f) ? 0u : uint(tableAt(start + codeOf(f, tableZeroPoint, tableLow, tableHigh)));`,
  },
  residual: {
    quick: `float p = float(a) * uintBitsToFloat(factor);
  float q = float(residualAt(row * outputs + n) - residualZeroPoint) * intBitsToFloat(residualMultiplier);
  unsure = doubtful(p + q, abs(p) + abs(q)) || strange(factor);
  return uint(nearest(p + q, zeroPoint, low, high));`,
    exact: `int b = residualAt(row * outputs + n) - residualZeroPoint;
  return uint(codeOf(addFloat(scaled(a, factor), scaled(b, uint(residualMultiplier))), zeroPoint, low, high));`,
  },
  codes: {
    quick: 'return uint(quickly(a, factor, zeroPoint, low, high));',
    exact: 'return uint(codeOf(scaled(a, factor), zeroPoint, low, high));',
  },
};

/** Where the entry of index 0 of an output's table stands. */
const startOf = 'start = n / tableOutputs * (tableHigh - tableLow + 1) - tableLow;';

const finish = (end: keyof typeof ends): string => `${uint64}${float32}${codes}
int addend;
uint factor;
int start;
void prepare(int n) {
  addend = biasAt(n);
  factor = uint(multiplierAt(n));
  ${end === 'table' ? startOf : ''}
}
uint quick(int sum, int row, int n) {
  int a = sum + addend;
  ${ends[end].quick}
}
uint finished(int sum, int row, int n) {
  int a = sum + addend;
  ${ends[end].exact}
}
`;

export function registerLinear(): void {
  registerWebglKernel<LinearAttrs>(CqLinear, (call) => {
    const { attrs, inputs, output, shapes } = call;
    const { bits, zeroPoint, tableBits, tableZeroPoint, residualMultiplier, residualZeroPoint } = attrs;
    const end = bits === 32 ? 'raw' : inputs['table'] ? 'table' : inputs['residual'] ? 'residual' : 'codes';
    const [low, high] = codeRange(bits === 32 ? 8 : bits);
    const [tableLow, tableHigh] = codeRange(tableBits || 8);
    const tables = shapes['table'] ? sizeOf(shapes['table']) / 2 ** tableBits : 1;
    const own: Record<string, number> = {
      raw: {},
      table: { tableZeroPoint, tableLow, tableHigh, tableOutputs: attrs.outputs / tables },
      residual: { zeroPoint, low, high, residualZeroPoint, residualMultiplier: bitsOf(residualMultiplier) },
      codes: { zeroPoint, low, high },
    }[end];
    matrixProduct(call, inputs['x']!, output as Texture, attrs, { text: finish(end), inputs, ints: own });
  });
}
