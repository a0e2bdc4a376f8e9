import { CqEmbedding, rowBytes, type EmbeddingAttrs } from '@cq/core/runtime';
import { float32 } from './glsl/float32.ts';
import { packedRows } from './glsl/rows.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';

const body = `${uint64}${float32}${packedRows('table')}
uint element(int i) {
  int place = i / channels;
  int c = i - place * channels;
  int row = clamp(idsAt(place), 0, rows - 1);
  return mulFloat(floatOf(uint(codeIn(row * stride, c))), uint(scaleAt(row * groups + c / group)));
}
`;

export function registerEmbedding(): void {
  registerWebglKernel<EmbeddingAttrs>(CqEmbedding, ({ attrs, shapes, inputs, output, draw }) => {
    const { bits, channels, group } = attrs;
    const sizes = { rows: shapes['table']![0]!, stride: rowBytes(channels, bits), groups: Math.ceil(channels / group) };
    draw(body, inputs, { bits, channels, group, ...sizes }, output);
  });
}
