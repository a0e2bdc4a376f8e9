import { codeRange, CqPatchEmbed, sizeOf, type PatchEmbedAttrs } from '@cq/core/runtime';
import { codes } from './glsl/codes.ts';
import { float32 } from './glsl/float32.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';
import { patches, patchProduct } from './patches.ts';

/** What becomes of a sum, and of a row of tokens that has none. */
const ends = `${uint64}${float32}${codes}
uint finished(int sum, int row, int n) {
  uint token = uint(tokensAt(row * outputs + n));
  return uint(requantizedWith(sum + biasAt(n), uint(multiplierAt(n)), token, zeroPoint, low, high));
}
uint constant(int row, int n) {
  return uint(codeOf(uint(tokensAt(row * outputs + n)), zeroPoint, low, high));
}
`;

export function registerPatchEmbed(): void {
  registerWebglKernel<PatchEmbedAttrs>(CqPatchEmbed, ({ attrs, shapes, inputs, output, scratch, draw }) => {
    const [low, high] = codeRange(attrs.bits);
    const rows = patches(shapes['x']!, attrs, inputs['x']!, scratch, draw);
    const { body, ints, texels } = patchProduct(output, attrs, sizeOf(shapes['tokens']!) / attrs.outputs, ends);
    draw(
      body,
      { ...inputs, x: rows },
      { ...ints, zeroPoint: attrs.zeroPoint, low, high },
      output,
      texels ? 'texel' : 'element',
    );
  });
}
