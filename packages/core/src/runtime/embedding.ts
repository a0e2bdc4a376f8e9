import { rowBytes, unpackRow } from './bits.ts';
import { ensure, sizeOf, type Attrs, type LoweredOp } from './op.ts';

/** Attributes of `CqEmbedding`. */
export interface EmbeddingAttrs extends Attrs {
  /** 1 to 8. */
  readonly bits: number;
  /** Codes in a row of the table. */
  readonly channels: number;
  /** So many consecutive codes of a row share a scale. */
  readonly group: number;
}

/**
 * y[.., c] = fround(code[ids[..], c] · scale[ids[..], ⌊c / group⌋]): rows of a table of codes, as floats.
 * ids: int32, any shape, each clamped to the rows there are; table: rows as `bits.ts` packs them, bool [rows, bytes of a row];
 * scale: float32 [rows, groups]; y: float32 [.., channels].
 */
export const CqEmbedding: LoweredOp = {
  name: 'CqEmbedding',
  inputs: ['ids', 'table', 'scale'],
  attrs: { bits: 'int', channels: 'int', group: 'int' },
  check({ ids, table, scale }, attrs) {
    const { bits, channels, group } = attrs as EmbeddingAttrs;
    ensure(ids!.dtype === 'int32', 'CqEmbedding', 'ids must be int32', ids!.dtype);
    ensure(bits >= 1 && bits <= 8, 'CqEmbedding', 'bits must be 1 to 8', bits);
    ensure(channels >= 1, 'CqEmbedding', 'channels must be at least 1', channels);
    ensure(group >= 1, 'CqEmbedding', 'group must be at least 1', group);
    const stride = rowBytes(channels, bits);
    ensure(
      table!.dtype === 'bool' && table!.shape.length === 2 && table!.shape[1] === stride,
      'CqEmbedding',
      `table must be bytes (bool) [rows, ${stride}]`,
      table!.shape,
    );
    const rows = table!.shape[0]!;
    ensure(rows > 0, 'CqEmbedding', 'table must have rows', table!.shape);
    const scales = rows * Math.ceil(channels / group);
    ensure(
      scale!.dtype === 'float32' && sizeOf(scale!.shape) === scales,
      'CqEmbedding',
      `scale must be float32 [${scales}]`,
      scale!.shape,
    );
  },
  output: ({ ids }, attrs) => ({ dtype: 'float32', shape: [...ids!.shape, (attrs as EmbeddingAttrs).channels] }),
  reference({ ids, table, scale }, attrs, output) {
    const { bits, channels, group } = attrs as EmbeddingAttrs;
    const wanted = ids!.data as Int32Array;
    const packed = table!.data as Uint8Array;
    const scales = scale!.data as Float32Array;
    const [rows, stride] = table!.shape as [number, number];
    const groups = Math.ceil(channels / group);
    const codes = new Int8Array(channels);
    for (let i = 0; i < wanted.length; i++) {
      const row = Math.min(Math.max(wanted[i]!, 0), rows - 1);
      unpackRow(packed, row * stride, bits, codes);
      for (let c = 0; c < channels; c++) {
        output[i * channels + c] = codes[c]! * scales[row * groups + Math.floor(c / group)]!;
      }
    }
  },
};
