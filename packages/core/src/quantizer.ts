import { CqError } from './errors.ts';
import { clamp, codeRange, roundHalfEven } from './runtime/arithmetic.ts';

/**
 * A scalar quantizer as data. `scale` and `zeroPoint` have one entry per tensor, or one per channel along `axis`.
 * b bits mean 2^b codes, zero included.
 */
export type Quantizer = UniformQuantizer;

export interface UniformQuantizer {
  readonly kind: 'uniform';
  /** 1 to 16; weights 2 to 8. */
  readonly bits: number;
  /** Codes are two's complement if signed, else from 0. */
  readonly signed: boolean;
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  /** The axis kept: one scale for each index along it. Absent: one for the tensor. */
  readonly axis?: number;
}

interface QuantizerRow<Q extends Quantizer> {
  levels(quantizer: Q): number;
  /** Real number → code, for one channel. The quotient is a float32, halves go to the even code, NaN encodes as zero does. */
  encoder(quantizer: Q, channel: number): (x: number) => number;
  /** Code → real number, a float32, for one channel. */
  decoder(quantizer: Q, channel: number): (code: number) => number;
  /** Whether some code decodes to exactly 0, as a masked weight needs. */
  hasZero(quantizer: Q): boolean;
}

const { fround } = Math;

/** Every kind of quantizer: how a real number becomes a code and back. A new kind is a new row. */
export const quantizers: { readonly [K in Quantizer['kind']]: QuantizerRow<Extract<Quantizer, { kind: K }>> } = {
  uniform: {
    levels: ({ bits }) => 2 ** bits,
    encoder({ bits, signed, scale: scales, zeroPoint }, channel) {
      const [low, high] = codeRange(bits, signed);
      const [scale, zero] = [scales[channel]!, zeroPoint[channel]!];
      return (x) => {
        const code = roundHalfEven(fround(x / scale)) + zero;
        return clamp(code === code ? code : zero, low, high);
      };
    },
    decoder({ scale: scales, zeroPoint }, channel) {
      const [scale, zero] = [scales[channel]!, zeroPoint[channel]!];
      return (code) => fround(fround(code - zero) * scale);
    },
    hasZero({ bits, signed, zeroPoint }) {
      const [low, high] = codeRange(bits, signed);
      return zeroPoint.every((zero) => zero >= low && zero <= high);
    },
  },
};

/** A tensor's values → codes, row-major. `shape` is needed only for scales per channel. */
export function encode(values: Float32Array, shape: readonly number[], quantizer: Quantizer): Int32Array {
  const { encoder } = quantizers[quantizer.kind];
  return mapped(values, new Int32Array(values.length), shape, quantizer, (channel) => encoder(quantizer, channel));
}

/** The reverse of `encode`: codes → the float32 values they stand for. */
export function decode(codes: ArrayLike<number>, shape: readonly number[], quantizer: Quantizer): Float32Array {
  const { decoder } = quantizers[quantizer.kind];
  return mapped(codes, new Float32Array(codes.length), shape, quantizer, (channel) => decoder(quantizer, channel));
}

/** Each element through the function of its channel, into `to`. */
function mapped<To extends Int32Array | Float32Array>(
  from: ArrayLike<number>,
  to: To,
  shape: readonly number[],
  { axis, scale }: Quantizer,
  functionOf: (channel: number) => (value: number) => number,
): To {
  if (axis !== undefined && shape[axis] !== scale.length) {
    throw new CqError(
      `quantizer: ${scale.length} scales along axis ${axis} of [${shape.join(', ')}], needs ${shape[axis]}`,
    );
  }
  const inner = axis === undefined ? from.length : shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const functions = Array.from(scale, (_, channel) => functionOf(channel));
  for (let start = 0, channel = 0; start < from.length; start += inner, channel++) {
    if (channel === functions.length) channel = 0;
    const f = functions[channel]!;
    for (let i = start; i < start + inner; i++) to[i] = f(from[i]!);
  }
  return to;
}

/** Signed symmetric codes, as weights have: scale = max|x| / (2^(bits−1) − 1), so that ±max are codes. */
export function symmetric(bits: number, max: ArrayLike<number>, axis?: number): UniformQuantizer {
  const scale = Float32Array.from(max, (value) => positive(value / (2 ** (bits - 1) - 1)));
  const zeroPoint = new Int32Array(scale.length);
  return { kind: 'uniform', bits, signed: true, scale, zeroPoint, ...(axis !== undefined && { axis }) };
}

/** Signed codes over [low, high], widened to hold 0, which gets a code of its own. */
export function asymmetric(bits: number, low: number, high: number): UniformQuantizer {
  const [first, last] = codeRange(bits);
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = positive((to - from) / (last - first));
  const zeroPoint = clamp(roundHalfEven(first - from / scale), first, last);
  return { kind: 'uniform', bits, signed: true, scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) };
}

/** Unsigned codes over [0, high], as probabilities have. */
export function unsigned(bits: number, high: number): UniformQuantizer {
  const scale = Float32Array.of(positive(high / (2 ** bits - 1)));
  return { kind: 'uniform', bits, signed: false, scale, zeroPoint: Int32Array.of(0) };
}

/** A tensor of zeros still needs a scale; any does. Smaller ones would leave float32's normal range. */
function positive(scale: number): number {
  return Number.isFinite(scale) ? Math.max(scale, 2 ** -100) : 2 ** -100;
}
