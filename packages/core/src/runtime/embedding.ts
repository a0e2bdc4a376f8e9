import { codesOf, ensure, sizeOf, type Attrs, type LoweredOp } from './op.ts';

export interface EmbeddingAttrs extends Attrs {
  readonly bits: number;
}

/**
 * y[.., c] = fround(fround(table[ids[..], c]) · scale[ids[..]]): rows of a table of codes, as floats.
 * ids: int32, any shape, each clamped to the rows there are; table: int8 [rows, channels]; scale: float32 [rows];
 * y: float32 [.., channels].
 */
export const CqEmbedding: LoweredOp = {
  name: 'CqEmbedding',
  inputs: ['ids', 'table', 'scale'],
  attrs: { bits: 'int' },
  check({ ids, table, scale }) {
    ensure(ids!.dtype === 'int32', 'CqEmbedding', 'ids must be int32', ids!.dtype);
    ensure(
      table!.dtype === 'bool' && table!.shape.length === 2,
      'CqEmbedding',
      'table must be bytes (bool) [rows, channels]',
      table!.shape,
    );
    ensure(table!.shape[0]! > 0, 'CqEmbedding', 'table must have rows', table!.shape);
    ensure(
      scale!.dtype === 'float32' && sizeOf(scale!.shape) === table!.shape[0],
      'CqEmbedding',
      `scale must be float32 [${table!.shape[0]}]`,
      scale!.shape,
    );
  },
  output: ({ ids, table }) => ({ dtype: 'float32', shape: [...ids!.shape, table!.shape[1]!] }),
  reference({ ids, table, scale }, _attrs, output) {
    const rows = ids!.data as Int32Array;
    const codes = codesOf(table!);
    const scales = scale!.data as Float32Array;
    const channels = table!.shape[1]!;
    for (let i = 0; i < rows.length; i++) {
      const row = Math.min(Math.max(rows[i]!, 0), scales.length - 1);
      for (let c = 0; c < channels; c++) output[i * channels + c] = codes[row * channels + c]! * scales[row]!;
    }
  },
};
