import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { codesOf, codeType, ensure, ensureCodes, sizeOf, type Attrs, type LoweredOp } from './op.ts';

/** Attributes of `CqAdd`. */
export interface AddAttrs extends Attrs {
  readonly inputZeroPoint: number;
  /** Scale of the input in units of the output's. */
  readonly multiplier: number;
  readonly bits: number;
  readonly zeroPoint: number;
  /** Read by `raise` and `inspect`, not by kernels. */
  readonly inputScale: number;
  readonly outputScale: number;
}

/**
 * A constant added to codes, the same for every item of a batch: positions on the residual stream.
 *
 *     y[i] = clamp(round(fround(fround(fround(x[i] − inputZeroPoint) · multiplier) + addend[i mod n])) + zeroPoint)
 *
 * x: codes of at most 16 bits, any shape; addend: n float32, any shape, in units of the output scale, where n divides the size
 * of x; y: codes of x's shape.
 */
export const CqAdd: LoweredOp = {
  name: 'CqAdd',
  inputs: ['x', 'addend'],
  attrs: {
    inputZeroPoint: 'int',
    multiplier: 'float',
    bits: 'int',
    zeroPoint: 'int',
    inputScale: 'float',
    outputScale: 'float',
  },
  check({ x, addend }, attrs) {
    const { bits, zeroPoint, inputZeroPoint } = attrs as AddAttrs;
    ensure(x!.dtype !== 'float32', 'CqAdd', 'x must be codes', x!.dtype);
    ensure(addend!.dtype === 'float32', 'CqAdd', 'addend must be float32', addend!.dtype);
    const [size, count] = [sizeOf(x!.shape), sizeOf(addend!.shape)];
    ensure(count > 0 && size % count === 0, 'CqAdd', `the values of addend must divide ${size}`, count);
    ensureCodes('CqAdd', bits, zeroPoint);
    ensureCodes('CqAdd', x!.dtype === 'bool' ? 8 : 16, inputZeroPoint);
  },
  output: ({ x }, attrs) => ({ dtype: codeType((attrs as AddAttrs).bits), shape: x!.shape }),
  reference({ x, addend }, attrs, output) {
    const { fround } = Math;
    const { inputZeroPoint, bits, zeroPoint } = attrs as AddAttrs;
    const multiplier = fround((attrs as AddAttrs).multiplier);
    const codes = codesOf(x!);
    const constants = addend!.data as Float32Array;
    const [low, high] = codeRange(bits);
    for (let start = 0; start < codes.length; start += constants.length) {
      for (let i = 0; i < constants.length; i++) {
        const scaled = fround(fround(codes[start + i]! - inputZeroPoint) * multiplier);
        output[start + i] = clamp(roundHalfEven(fround(scaled + constants[i]!)) + zeroPoint, low, high);
      }
    }
  },
};
