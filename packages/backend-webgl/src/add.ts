import { codeRange, CqAdd, sizeOf, type AddAttrs } from '@cq/core/runtime';
import { bitsOf } from './bits-of.ts';
import { codes } from './glsl/codes.ts';
import { float32 } from './glsl/float32.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';

const body = `${uint64}${float32}${codes}
uint element(int i) {
  uint addend = uint(addendAt(i % count));
  return uint(requantizedWith(xAt(i) - inputZeroPoint, uint(multiplier), addend, zeroPoint, low, high));
}
`;

export function registerAdd(): void {
  registerWebglKernel<AddAttrs>(CqAdd, ({ attrs, shapes, inputs, output, draw }) => {
    const { inputZeroPoint, zeroPoint, bits } = attrs;
    const [low, high] = codeRange(bits);
    const ints = { inputZeroPoint, multiplier: bitsOf(attrs.multiplier), zeroPoint, low, high };
    draw(body, inputs, { ...ints, count: sizeOf(shapes['addend']!) }, output);
  });
}
