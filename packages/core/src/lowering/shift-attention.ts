import type { Weight } from '../graph.ts';
import { clamp, codeRange, roundHalfEven } from '../runtime/arithmetic.ts';
import {
  attentionShifts,
  BOUNDARY_BITS,
  shiftBiasBound,
  type ShiftAttentionAttrs,
} from '../runtime/shift-attention.ts';
import { exponentOf } from './exponents.ts';
import type { Probability } from './probability.ts';
import { constant, type CodeScale, type Lowered } from './rule.ts';

/** What the rule of attention has found, but for the scales as CqAttention has them. */
export interface AttentionParts {
  readonly query: CodeScale;
  readonly key: CodeScale;
  readonly value: CodeScale;
  readonly logit: CodeScale;
  readonly probability: Probability;
  readonly output: CodeScale;
  readonly factor: number;
  readonly bias: Weight | undefined;
}

/** CqAttention → CqShiftAttention; undefined where a scale is no power of two. */
export function shiftAttention(float: Lowered, parts: AttentionParts): Lowered | undefined {
  const { query, key, value, logit, probability, output, factor, bias } = parts;
  const scales = [query, key, value, logit, output].map(({ scale }) => exponentOf(scale));
  const [factorExponent, levelExponent] = [exponentOf(factor), exponentOf(probability.unit * probability.scale)];
  const uniform = !probability.boundaries;
  const probabilityExponent = uniform ? exponentOf(probability.scale) : 0;
  const exponents = [...scales, factorExponent, levelExponent, probabilityExponent];
  if (exponents.some((exponent) => exponent === undefined)) return undefined;
  if (logit.zeroPoint !== 0 || output.zeroPoint !== 0 || probabilityExponent! > 0) return undefined;
  const [queryExponent, keyExponent, valueExponent, logitExponent, exponent] = scales as number[];
  const { heads, depth, biased, windows, masked, tokens } = float.attrs as ShiftAttentionAttrs;
  const attrs: ShiftAttentionAttrs = {
    ...{ heads, depth, biased, windows, masked, tokens },
    ...{ queryExponent: queryExponent!, keyExponent: keyExponent!, valueExponent: valueExponent! },
    ...{ factorExponent: factorExponent!, logitBits: logit.bits, logitExponent: logitExponent! },
    ...{
      probabilityKind: probability.kind,
      probabilityBits: probability.bits,
      probabilityExponent: probabilityExponent!,
    },
    ...{ levelExponent: levelExponent!, bits: output.bits, exponent: exponent! },
  };
  if (bias && !saturates(attrs)) return undefined;
  const inputs = float.inputs.map((input) => {
    if (typeof input === 'string' || 'float' in input) return input;
    if (input === bias) return { ...input, data: clamped(input.data, shiftBiasBound(depth)) };
    return input.name === 'boundaries' ? constant('boundaries', boundaryIntegers(probability)) : input;
  });
  return { ...float, op: 'CqShiftAttention', inputs, attrs };
}

/** Whether a logit is the first or the last code where its bias stops short of what it should be. */
function saturates(attrs: ShiftAttentionAttrs): boolean {
  const [, high] = codeRange(attrs.logitBits);
  const least = shiftBiasBound(attrs.depth) - attrs.depth * 2 ** 14;
  return least > (high + 1) * 2 ** attentionShifts(attrs).logitShift;
}

const clamped = (values: Weight['data'], most: number): Int32Array =>
  Int32Array.from(values, (value) => clamp(value, -most, most));

/** Boundaries of probabilities, from units of the scale to those of 2^−30. */
function boundaryIntegers({ boundaries, scale }: Probability): Int32Array {
  const unit = scale * 2 ** BOUNDARY_BITS;
  return Int32Array.from(boundaries!, (boundary) => clamp(roundHalfEven(boundary * unit), 1, 2 ** 31 - 1));
}
