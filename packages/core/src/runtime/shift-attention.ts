import { clamp, codeRange, roundHalfEven } from './arithmetic.ts';
import { attend, checkAttention, type AttentionSizes, type AttentionSteps } from './attention.ts';
import { codeType, ensure, ensureCodes, sizeOf, type Attrs, type LoweredOp } from './op.ts';
import { ensureExponent, roundShift } from './shift.ts';

/** Attributes of `CqShiftAttention`. */
export interface ShiftAttentionAttrs extends Attrs, AttentionSizes {
  readonly queryExponent: number;
  readonly keyExponent: number;
  readonly valueExponent: number;
  /** Of the factor on q·k, a power of two here. */
  readonly factorExponent: number;
  readonly logitExponent: number;
  /** Kind of the unsigned codes of the probabilities. Those that are not `uniform` have `boundaries`. */
  readonly probabilityKind: string;
  /** Of uniform codes; 0 for others. */
  readonly probabilityExponent: number;
  /** What 1 of the levels is. */
  readonly levelExponent: number;
  readonly bits: number;
  readonly exponent: number;
}

/** Bits of a boundary's fraction. */
export const BOUNDARY_BITS = 30;

/** Products with a bias are less than 2^24, so that a float32 holds them. */
export function shiftBiasBound(depth: number): number {
  return 2 ** 24 - depth * 2 ** 14;
}
const DEPTH = 512;
/** Shifts that are sums of exponents. */
const SHIFT = 100;

/**
 * `CqAttention` of a power-of-two model, without a float. Of a head and a query:
 *
 *     l[j] = clamp(round((Σ_d q[d] · k[j, d] + bias[j]) · 2^(queryExponent + keyExponent + factorExponent − logitExponent)))
 *     e[j] = exponentials[max_j l − l[j]]                              S = Σ_j e[j] < 2^31, over the keys looked at
 *     uniform codes:     p[j] = min(round(e[j] · 2^−probabilityExponent / S), 2^probabilityBits − 1)     the exact quotient, half to even
 *     others:            p[j] = how many of the boundaries have  e[j] >= ⌈S · boundary / 2^30⌉          0 where S is 0
 *     y[d] = clamp(round(Σ_j levels[p[j]] · v[j, d] · 2^(levelExponent + valueExponent − exponent)))
 *
 * Operands as in CqAttention, but for boundaries: int32 [2^probabilityBits − 1], from 1 on, ascending, in units of 2^−30.
 * Source: Log-Int-Softmax of FQ-ViT (Lin et al. 2022), with a table in place of its polynomial and the boundaries of the
 * quantizer in place of 1.5 · 2^k.
 */
export const CqShiftAttention: LoweredOp = {
  name: 'CqShiftAttention',
  inputs: ['q', 'k', 'v', 'exponentials', 'levels', 'bias', 'visible', 'boundaries', 'mask'],
  attrs: {
    heads: 'int',
    depth: 'int',
    biased: 'bool',
    windows: 'int',
    masked: 'bool',
    tokens: 'int',
    queryExponent: 'int',
    keyExponent: 'int',
    valueExponent: 'int',
    factorExponent: 'int',
    logitBits: 'int',
    logitExponent: 'int',
    probabilityKind: 'string',
    probabilityBits: 'int',
    probabilityExponent: 'int',
    levelExponent: 'int',
    bits: 'int',
    exponent: 'int',
  },
  present(input, attrs) {
    const { biased, windows, probabilityKind, masked } = attrs as ShiftAttentionAttrs;
    if (input === 'boundaries') return probabilityKind !== 'uniform';
    return input === 'bias' ? biased : input === 'visible' ? windows !== 0 : input !== 'mask' || masked;
  },
  bounds(input, attrs) {
    const { tokens, depth } = attrs as ShiftAttentionAttrs;
    if (input === 'exponentials') return [0, Math.min(2 ** 24, Math.floor((2 ** 31 - 1) / tokens))];
    if (input === 'levels') return [-(2 ** 15), 2 ** 15 - 1];
    if (input === 'boundaries') return [1, 2 ** 31 - 1];
    return input === 'bias' ? [-shiftBiasBound(depth), shiftBiasBound(depth)] : undefined;
  },
  check(operands, attrs) {
    const a = attrs as ShiftAttentionAttrs;
    const op = 'CqShiftAttention';
    checkAttention(op, operands, a);
    ensure(a.depth <= DEPTH, op, `depth must be at most ${DEPTH}`, a.depth);
    ensureCodes(op, a.bits, 0);
    ensureCodes(op, a.logitBits, 0, 8);
    for (const name of ['queryExponent', 'keyExponent', 'valueExponent', 'factorExponent'] as const) {
      ensureExponent(op, name, a[name]);
    }
    for (const name of ['logitExponent', 'probabilityExponent', 'levelExponent', 'exponent'] as const) {
      ensureExponent(op, name, a[name]);
    }
    const { logitShift, outputShift } = attentionShifts(a);
    ensure(Math.abs(logitShift) <= SHIFT, op, `logits must be shifted by at most ${SHIFT} bits`, logitShift);
    ensure(Math.abs(outputShift) <= SHIFT, op, `sums must be shifted by at most ${SHIFT} bits`, outputShift);
    ensure(
      a.probabilityExponent <= 0 && a.probabilityExponent >= -MOST_FRACTION,
      op,
      `probabilityExponent must be ${-MOST_FRACTION} to 0`,
      a.probabilityExponent,
    );
    const { boundaries } = operands;
    if (!boundaries) return;
    ensure(
      boundaries.dtype === 'int32' && sizeOf(boundaries.shape) === 2 ** a.probabilityBits - 1,
      op,
      `boundaries must be int32 [${2 ** a.probabilityBits - 1}]`,
      boundaries.shape,
    );
  },
  output: ({ q }, attrs) => ({ dtype: codeType((attrs as ShiftAttentionAttrs).bits), shape: q!.shape }),
  reference(operands, attrs, output) {
    const a = attrs as ShiftAttentionAttrs;
    const decode = operands['levels']!.data as Int32Array;
    const boundaries = operands['boundaries']?.data as Int32Array | undefined;
    const { logitShift, outputShift } = attentionShifts(a);
    const [logitLow, logitHigh] = codeRange(a.logitBits);
    const [, top] = codeRange(a.probabilityBits, false);
    const [low, high] = codeRange(a.bits);
    const one = 2 ** -a.probabilityExponent;
    const steps: AttentionSteps = {
      logit: (product) => clamp(roundShift(product, logitShift), logitLow, logitHigh),
      levelOf(total) {
        if (total === 0) return () => decode[0]!;
        // A double that is no tie lies further from one than the quotient's rounding reaches: this is the exact quotient's code.
        if (!boundaries) return (exponential) => decode[Math.min(roundHalfEven((exponential * one) / total), top)]!;
        const least = Array.from(boundaries, (boundary) => shareOf(total, boundary));
        return (exponential) => {
          let code = 0;
          while (code < top && exponential >= least[code]!) code++;
          return decode[code]!;
        };
      },
      output: (sum) => clamp(roundShift(sum, outputShift), low, high),
    };
    attend(operands, a, steps, output);
  },
};

/** e · 2^24 must stay exact, and its quotient far from 2^53. */
const MOST_FRACTION = 24;

/** By how much products become logits, and sums of levels times values outputs: shifts to the right. */
export function attentionShifts(a: ShiftAttentionAttrs): { readonly logitShift: number; readonly outputShift: number } {
  return {
    logitShift: a.logitExponent - a.queryExponent - a.keyExponent - a.factorExponent,
    outputShift: a.exponent - a.levelExponent - a.valueExponent,
  };
}

/** ⌈total · boundary / 2^30⌉ of integers below 2^31, in two halves that doubles hold. */
export function shareOf(total: number, boundary: number): number {
  const half = 2 ** (BOUNDARY_BITS / 2);
  const lower = total * (boundary % half);
  const upper = total * Math.floor(boundary / half) + Math.floor(lower / half);
  return Math.floor(upper / half) + Number(upper % half !== 0 || lower % half !== 0);
}
