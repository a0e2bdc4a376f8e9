import { codeRange, CqShiftLayerNorm, type ShiftLayerNormAttrs } from '@cq/core/runtime';
import { shift } from './glsl/shift.ts';
import { uint64 } from './glsl/uint64.ts';
import type { Source } from './gpu.ts';
import { registerWebglKernel } from './kernel.ts';

const least = `
uvec4 texelOf(int t) {
  int exponent = 64;
  for (int c = 0; c < channels; c++) exponent = min(exponent, exponentsAt(c));
  return uvec4(uint(exponent), 0u, 0u, 0u);
}
`;

/** A code at the least of the exponents, in 16 bits. */
const moved = `
int movedAt(int i, int c, int exponent) {
  return (xAt(i) << (16 + min(exponentsAt(c) - exponent, 15))) >> 16;
}
`;

/** (⌊2^50 / d⌋, p, Σ, the least exponent) of a row, in one texel. */
const statistics = `${uint64}${shift}${moved}
uvec4 texelOf(int row) {
  int exponent = leastAt(0);
  int sum = 0;
  uvec2 squares = uvec2(0u);
  for (int c = 0; c < channels; c++) {
    int code = movedAt(row * channels + c, c, exponent);
    sum += code;
    squares = add64(squares, uvec2(0u, uint(code * code)));
  }
  uvec2 total = mul32(uint(channels), squares.y);
  total.x += uint(channels) * squares.x;
  uint size = uint(abs(sum));
  total = add64(sub64(total, mul32(size, size)), uvec2(uint(epsilonHigh), uint(epsilonLow)));
  return uvec4(reciprocalRoot(total), uint(sum), uint(exponent));
}
`;

const normalised = `${uint64}${shift}${moved}
uint element(int i) {
  int row = i / channels;
  int c = i - row * channels;
  uvec4 known = statisticsTexel(row);
  int centred = channels * movedAt(i, c, int(known.w)) - int(known.z);
  uint y = shiftNormalised(uint(centred), known.x, known.y, uint(gammaAt(c)), uint(betaAt(c)), uint(gainBits));
  return uint(clamp(int(y), low, high));
}
`;

export function registerShiftLayerNorm(): void {
  registerWebglKernel<ShiftLayerNormAttrs>(CqShiftLayerNorm, ({ attrs, shapes, inputs, output, scratch, draw }) => {
    const channels = shapes['x']!.at(-1)!;
    const { x, exponents, gamma, beta } = inputs as Readonly<Record<'x' | 'exponents' | 'gamma' | 'beta', Source>>;
    const [low, high] = codeRange(attrs.bits);
    const smallest = scratch(4, 32);
    draw(least, { exponents }, { channels }, smallest, 'texel');
    const known = scratch((output.size / channels) * 4, 32);
    const epsilon = { epsilonHigh: Math.floor(attrs.epsilon / 2 ** 32), epsilonLow: attrs.epsilon % 2 ** 32 };
    draw(statistics, { x, exponents, least: smallest }, { channels, ...epsilon }, known, 'texel');
    const ints = { channels, gainBits: attrs.gainBits, low, high };
    draw(normalised, { x, exponents, gamma, beta, statistics: known }, ints, output);
  });
}
