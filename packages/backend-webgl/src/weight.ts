import { CqWeight, rowBytes, scaleCount, sizeOf, type WeightAttrs } from '@cq/core/runtime';
import { float32 } from './glsl/float32.ts';
import { packedRows } from './glsl/rows.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';

const decoded = (levels: boolean): string => `${uint64}${float32}${packedRows('codes')}
uint element(int i) {
  int row = i / columns;
  int code = codeIn(row * stride, i - row * columns);
  int channel = (i / inner) % channels;
  int entry = i / (inner * channels) * inner + i % inner;
  uint scale = uint(scaleAt(channel * groups + entry / share));
  return mulFloat(${levels ? 'uint(levelsAt(code + (1 << (bits - 1))))' : 'floatOf(uint(code - zeroPoint))'}, scale);
}
`;

export function registerWeight(): void {
  registerWebglKernel<WeightAttrs>(CqWeight, ({ attrs, shapes, inputs, output, draw }) => {
    const { bits, columns, axis, group, zeroPoint } = attrs;
    const shape = [...shapes['codes']!.slice(0, -1), columns];
    const channels = axis < 0 ? 1 : shape[axis]!;
    const inner = axis < 0 ? output.size : sizeOf(shape.slice(axis + 1));
    const groups = scaleCount(shape, axis < 0 ? {} : { axis, ...(group > 0 && { group }) }) / channels;
    const sizes = { stride: rowBytes(columns, bits), channels, inner, groups, share: group || output.size / channels };
    const kind: Record<string, number> = inputs['levels'] ? {} : { zeroPoint };
    draw(decoded(inputs['levels'] !== undefined), inputs, { bits, columns, ...sizes, ...kind }, output);
  });
}
