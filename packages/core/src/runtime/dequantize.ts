import { codesOf, ensure, sizeOf, type Attrs, type LoweredOp } from './op.ts';

/** Attributes of `CqDequantize`. */
export interface DequantizeAttrs extends Attrs {
  readonly zeroPoint: number;
  /** Bits of the codes, for whoever reads the graph; 32 for raw accumulators. */
  readonly bits: number;
}

/**
 * y = fround(fround(code − zeroPoint) · scale[c]). codes: any shape [.., channels]; scale: float32 [1] or [channels].
 * Ends a chain of integer nodes: also raw int32 accumulators of a CqLinear, with one scale per output.
 */
export const CqDequantize: LoweredOp = {
  name: 'CqDequantize',
  inputs: ['codes', 'scale'],
  attrs: { zeroPoint: 'int', bits: 'int' },
  check({ codes, scale }) {
    ensure(codes!.dtype !== 'float32', 'CqDequantize', 'codes must be bool or int32', codes!.dtype);
    ensure(scale!.dtype === 'float32', 'CqDequantize', 'scale must be float32', scale!.dtype);
    const count = sizeOf(scale!.shape);
    const channels = codes!.shape.at(-1) ?? 1;
    ensure(count === 1 || count === channels, 'CqDequantize', `scale must have 1 or ${channels} values`, count);
  },
  output: ({ codes }) => ({ dtype: 'float32', shape: codes!.shape }),
  reference({ codes, scale }, attrs, output) {
    const { zeroPoint } = attrs as DequantizeAttrs;
    const values = codesOf(codes!);
    const scales = scale!.data as Float32Array;
    const channels = scales.length;
    for (let i = 0; i < values.length; i++) {
      output[i] = Math.fround(values[i]! - zeroPoint) * scales[channels === 1 ? 0 : i % channels]!;
    }
  },
};
