import { rowBytes, unpackRows } from './bits.ts';
import { eachRun, scaleCount } from './granularity.ts';
import { ensure, sizeOf, type Attrs, type LoweredOp, type Shaped } from './op.ts';

/** Attributes of `CqWeight`. */
export interface WeightAttrs extends Attrs {
  /** Kind of the quantizer: `uniform` codes are decoded by arithmetic, those of others by a table. */
  readonly kind: string;
  /** 1 to 8. */
  readonly bits: number;
  readonly zeroPoint: number;
  /** Codes in a row, the last axis. */
  readonly columns: number;
  /** -1: one scale for the tensor. */
  readonly axis: number;
  /** 0: one scale for all entries of a channel. */
  readonly group: number;
}

/**
 * A weight that float nodes read, kept in codes of 1 to 8 bits:
 *
 *     uniform:  y[i] = fround(fround(code − zeroPoint) · scale[s])
 *     others:   y[i] = fround(levels[code + 2^(bits − 1)] · scale[s])          s: the scale that entry i shares
 *
 * codes: rows as `bits.ts` packs them, bool [.., bytes of a row]; scale: float32; levels: float32 [2^bits];
 * y: float32 [.., columns].
 */
export const CqWeight: LoweredOp = {
  name: 'CqWeight',
  inputs: ['codes', 'scale', 'levels'],
  attrs: { kind: 'string', bits: 'int', zeroPoint: 'int', columns: 'int', axis: 'int', group: 'int' },
  present: (input, attrs) => input !== 'levels' || (attrs as WeightAttrs).kind !== 'uniform',
  check({ codes, scale, levels }, attrs) {
    const { bits, columns, axis, group } = attrs as WeightAttrs;
    const { dtype, shape } = codes!;
    ensure(bits >= 1 && bits <= 8, 'CqWeight', 'bits must be 1 to 8', bits);
    ensure(columns >= 1, 'CqWeight', 'columns must be at least 1', columns);
    const stride = rowBytes(columns, bits);
    ensure(
      dtype === 'bool' && shape.at(-1) === stride,
      'CqWeight',
      `codes must be bytes (bool) [.., ${stride}]`,
      shape,
    );
    ensure(axis >= -1 && axis < shape.length, 'CqWeight', `axis must be -1 to ${shape.length - 1}`, axis);
    const grouped = group > 0 && axis >= 0 && shape.length === 2;
    ensure(group === 0 || grouped, 'CqWeight', 'group must be 0, or at least 1 in a matrix with an axis', group);
    const scales = scaleCount(shapeOf(codes!, columns), sharing(attrs as WeightAttrs));
    ensure(
      scale!.dtype === 'float32' && sizeOf(scale!.shape) === scales,
      'CqWeight',
      `scale must be float32 [${scales}]`,
      scale!.shape,
    );
    if (levels) {
      ensure(
        levels.dtype === 'float32' && sizeOf(levels.shape) === 2 ** bits,
        'CqWeight',
        `levels must be float32 [${2 ** bits}]`,
        levels.shape,
      );
    }
  },
  output: ({ codes }, attrs) => ({ dtype: 'float32', shape: shapeOf(codes!, (attrs as WeightAttrs).columns) }),
  reference({ codes, scale, levels }, attrs, output) {
    const { bits, columns, zeroPoint } = attrs as WeightAttrs;
    const unpacked = unpackRows(codes!.data as Uint8Array, columns, bits);
    const scales = scale!.data as Float32Array;
    const table = levels?.data as Float32Array | undefined;
    const half = 2 ** (bits - 1);
    const { fround } = Math;
    eachRun(shapeOf(codes!, columns), sharing(attrs as WeightAttrs), (index, start, end) => {
      const factor = scales[index]!;
      for (let i = start; i < end; i++) {
        output[i] = (table ? table[unpacked[i]! + half]! : fround(unpacked[i]! - zeroPoint)) * factor;
      }
    });
  },
};

const shapeOf = ({ shape }: Shaped, columns: number): readonly number[] => [...shape.slice(0, -1), columns];

const sharing = ({ axis, group }: WeightAttrs) => ({
  ...(axis >= 0 && { axis }),
  ...(group > 0 && { group }),
});
