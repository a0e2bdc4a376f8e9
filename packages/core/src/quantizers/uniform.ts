import {
  add,
  clipByValue,
  greaterEqual,
  lessEqual,
  logicalAnd,
  round,
  sub,
  tensor1d,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { clamp, codeRange, roundHalfEven } from '../runtime/arithmetic.ts';
import { SMALLEST_SCALE } from '../runtime/row-scale.ts';
import { readAxis, writeAxis, type AttributeReader } from './attributes.ts';
import type { Form, QuantizerRow, Scaled } from './row.ts';
import { spread } from './spread.ts';

/** value of code q = (q − zeroPoint) · scale */
export interface UniformQuantizer extends Scaled {
  readonly kind: 'uniform';
  /** 1 to 16; weights 2 to 8. */
  readonly bits: number;
  /** Codes are two's complement if signed, else from 0. */
  readonly signed: boolean;
  /** As many as scales. */
  readonly zeroPoint: Int32Array;
  /** With an axis, and on matrices alone. */
  readonly group?: number;
}

const { fround } = Math;

export const uniformRow: QuantizerRow<UniformQuantizer> = {
  encoder({ bits, signed, scale: scales, zeroPoint }, index) {
    const [low, high] = codeRange(bits, signed);
    const [scale, zero] = [scales[index]!, zeroPoint[index]!];
    return (x) => {
      const code = roundHalfEven(fround(x / scale)) + zero;
      return clamp(code === code ? code : zero, low, high);
    };
  },
  decoder({ scale: scales, zeroPoint }, index) {
    const [scale, zero] = [scales[index]!, zeroPoint[index]!];
    return (code) => fround(fround(code - zero) * scale);
  },
  round(v, form) {
    const [low, high] = codeRange(form.bits, form.signed);
    const zero = zeroOf(form, v.shape);
    const code = clipByValue(rounded(v, zero), low, high);
    return zero ? sub(code, zero) : code;
  },
  inside(v, form) {
    const [low, high] = codeRange(form.bits, form.signed);
    const code = rounded(v, zeroOf(form, v.shape));
    return logicalAnd(greaterEqual(code, low), lessEqual(code, high));
  },
  write: ({ bits, signed, zeroPoint, group, ...form }) => ({
    ...{ bits, signed, zero_point: [...zeroPoint] },
    ...writeAxis(form),
    ...(group !== undefined && { group }),
  }),
  read(attributes) {
    const bits = attributes.integer('bits', 1, 16);
    const signed = attributes.truth('signed');
    const zeroPoint = attributes.integers('zero_point');
    return { kind: 'uniform', bits, signed, zeroPoint, ...readAxis(attributes), ...readGroup(attributes) };
  },
};

const rounded = (v: Tensor, zero: Tensor | undefined): Tensor => (zero ? add(round(v), zero) : round(v));

function zeroOf(form: Form<UniformQuantizer>, shape: readonly number[]): Tensor | undefined {
  const { zeroPoint } = form;
  return zeroPoint.some((zero) => zero !== 0) ? spread(tensor1d([...zeroPoint]), shape, form) : undefined;
}

function readGroup(attributes: AttributeReader): { readonly group?: number } {
  const group = attributes.integer('group', 0, 2 ** 31 - 1, 0);
  if (group > 0 && attributes.integer('axis', -1, 1) < 0) attributes.fail('group needs an axis', group);
  return group === 0 ? {} : { group };
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

/** A tensor of zeros still needs a scale. */
function positive(scale: number): number {
  return Number.isFinite(scale) ? Math.max(scale, SMALLEST_SCALE) : SMALLEST_SCALE;
}
