import { codeRange, CqQuantize, type QuantizeAttrs } from '@cq/core/runtime';
import { bitsOf } from './bits-of.ts';
import { codes } from './glsl/codes.ts';
import { float32 } from './glsl/float32.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';

const body = `${uint64}${float32}${codes}
uint quick(int i) {
  uint x_ = uint(xAt(i));
  uint e = (uint(scale) >> 23u) & 0xffu;
  float r = uintBitsToFloat(x_) / intBitsToFloat(scale);
  unsure = doubtful(r, abs(r)) || strange(x_) || e < 30u || e > 225u;
  return uint(nearest(r, zeroPoint, low, high));
}
uint element(int i) {
  uint quotient = divFloat(uint(xAt(i)), uint(scale));
  return uint(isNotANumber(quotient) ? clamp(zeroPoint, low, high) : codeOf(quotient, zeroPoint, low, high));
}
`;

export function registerQuantize(): void {
  registerWebglKernel<QuantizeAttrs>(CqQuantize, ({ attrs: { scale, zeroPoint, bits }, inputs, output, draw }) => {
    const [low, high] = codeRange(bits);
    draw(body, { x: inputs['x']! }, { scale: bitsOf(scale), zeroPoint, low, high }, output, 'quick element');
  });
}
