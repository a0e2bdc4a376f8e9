import { codeRange, CqShiftPatchEmbed, sizeOf, type ShiftPatchEmbedAttrs } from '@cq/core/runtime';
import { shift } from './glsl/shift.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';
import { patches, patchProduct } from './patches.ts';

/** The sum and the token may be more than an int32 together. */
const ends = `${uint64}${shift}
uint finished(int sum, int row, int n) {
  uint e = uint(1200 + unitAt(n) - exponentAt(n));
  return uint(clamp(int(roundSum(uint(sum + biasAt(n)), e, uint(tokensAt(row * outputs + n)), e)), low, high));
}
uint constant(int row, int n) {
  uint e = uint(1200 + unitAt(n) - exponentAt(n));
  return uint(clamp(int(roundShifted(uint(tokensAt(row * outputs + n)), e)), low, high));
}
`;

export function registerShiftPatchEmbed(): void {
  registerWebglKernel<ShiftPatchEmbedAttrs>(CqShiftPatchEmbed, ({ attrs, shapes, inputs, output, scratch, draw }) => {
    const [low, high] = codeRange(attrs.bits);
    const rows = patches(shapes['x']!, attrs, inputs['x']!, scratch, draw);
    const { body, ints, texels } = patchProduct(output, attrs, sizeOf(shapes['tokens']!) / attrs.outputs, ends);
    draw(body, { ...inputs, x: rows }, { ...ints, low, high }, output, texels ? 'texel' : 'element');
  });
}
