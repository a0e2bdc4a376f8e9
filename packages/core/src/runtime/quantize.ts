import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { codeType, ensure, ensureCodes, type Attrs, type LoweredOp } from './op.ts';

/** Attributes of `CqQuantize`. */
export interface QuantizeAttrs extends Attrs {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly bits: number;
}

/** code = clamp(round(x / scale) + zeroPoint); the quotient is a float32, NaN encodes as zero. x: float32, any shape. */
export const CqQuantize: LoweredOp = {
  name: 'CqQuantize',
  inputs: ['x'],
  attrs: { scale: 'float', zeroPoint: 'int', bits: 'int' },
  check({ x }, attrs) {
    const { scale, bits, zeroPoint } = attrs as QuantizeAttrs;
    ensure(x!.dtype === 'float32', 'CqQuantize', 'x must be float32', x!.dtype);
    ensure(Math.fround(scale) > 0 && Number.isFinite(scale), 'CqQuantize', 'scale must be a positive number', scale);
    ensureCodes('CqQuantize', bits, zeroPoint);
  },
  output: ({ x }, attrs) => ({ dtype: codeType((attrs as QuantizeAttrs).bits), shape: x!.shape }),
  reference({ x }, attrs, output) {
    const { zeroPoint, bits } = attrs as QuantizeAttrs;
    const scale = Math.fround((attrs as QuantizeAttrs).scale);
    const [low, high] = codeRange(bits);
    const data = x!.data as Float32Array;
    for (let i = 0; i < data.length; i++) {
      const code = roundHalfEven(Math.fround(data[i]! / scale)) + zeroPoint;
      output[i] = Number.isNaN(code) ? clamp(zeroPoint, low, high) : clamp(code, low, high);
    }
  },
};
