import { rowScale } from '../runtime/row-scale.ts';
import type { Written } from './row.ts';
import type { UniformQuantizer } from './uniform.ts';

/**
 * Symmetric signed codes with a scale for each row, the last axis, that is found while running: so that the largest value
 * of the row is the largest code. Needs no data.
 */
export interface DynamicQuantizer {
  readonly kind: 'dynamic';
  /** 2 to 8. */
  readonly bits: number;
}

export const dynamicRow: Written<DynamicQuantizer> = {
  write: ({ bits }) => ({ bits }),
  read: (attributes) => ({ kind: 'dynamic', bits: attributes.integer('bits', 2, 8) }),
};

/** What a dynamic quantizer is on these values: one with a scale per row, for `[rows, last size of shape]`. */
export function rowQuantizer(
  values: Float32Array,
  shape: readonly number[],
  { bits }: DynamicQuantizer,
): UniformQuantizer {
  const columns = shape.at(-1) ?? 1;
  const rows = columns === 0 ? 0 : values.length / columns;
  const scale = Float32Array.from({ length: rows }, (_, row) =>
    rowScale(values.subarray(row * columns, (row + 1) * columns), bits),
  );
  return { kind: 'uniform', bits, signed: true, scale, zeroPoint: new Int32Array(rows), axis: 0 };
}
