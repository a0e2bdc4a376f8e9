import fc from 'fast-check';
import { CqShiftAttention, shiftBiasBound, type Operand, type ShiftAttentionAttrs } from '@cq/core/runtime';
import { shiftAttention } from './shift-attention.ts';
import { codes, integers, seed, spread, stream, type Spread } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';
import { expectAllVariants } from './testing/variants.ts';

/** The table of exponentials as fractions of its largest: the last two make sums of one value, and of 0. */
const falls = {
  slowly: (i: number) => 0.97 ** i,
  quickly: (i: number) => 0.5 ** i,
  'at once': (i: number) => Number(i === 0),
  'from 0': () => 0,
} as const;

interface Case {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  readonly depth: number;
  readonly logitBits: number;
  readonly probabilityBits: number;
  readonly bits: number;
  readonly spread: Spread;
  /** Uniform codes that mean themselves, or any; or levels between boundaries. */
  readonly levels: 'identity' | 'any' | 'cells';
  readonly fall: keyof typeof falls;
  readonly masked: boolean;
  readonly biased: boolean;
  readonly windows: number;
  readonly seed: number;
}

const anyCase = (shape: { readonly [K in 'batch' | 'tokens' | 'heads' | 'depth']: fc.Arbitrary<number> }) =>
  fc.record<Case>({
    ...shape,
    ...{ logitBits: fc.constantFrom(4, 8), probabilityBits: fc.constantFrom(1, 4, 8), bits: fc.constantFrom(4, 8, 16) },
    ...{ spread, levels: fc.constantFrom('identity', 'any', 'cells'), seed },
    ...{ fall: fc.constantFrom<keyof typeof falls>('slowly', 'slowly', 'quickly', 'at once', 'from 0') },
    ...{ masked: fc.boolean(), biased: fc.boolean(), windows: fc.constantFrom(0, 0, 1, 2) },
  });

function given(c: Case): { operands: Record<string, Operand>; attrs: ShiftAttentionAttrs } {
  const next = stream(c.seed);
  const { tokens, heads, depth, bits, probabilityBits, windows } = c;
  const batch = c.batch * Math.max(windows, 1);
  const shape = [batch, tokens, heads * depth];
  const most = Math.min(2 ** 24, Math.floor((2 ** 31 - 1) / tokens));
  const near = (values: number) => Math.round(Math.log2(values));
  const uniform = c.levels !== 'cells';
  const boundaries = integers([2 ** probabilityBits - 1], () => 1 + next() ** 4 * 2 ** 30);
  (boundaries.data as Int32Array).sort();
  const operands = {
    ...{ q: codes(next, shape, c.spread), k: codes(next, shape, c.spread), v: codes(next, shape, c.spread) },
    exponentials: integers([256], (i) => Math.floor(most * falls[c.fall](i))),
    levels: integers([2 ** probabilityBits], (i) => (c.levels === 'identity' ? i : (next() - 0.5) * 2 ** 16)),
    ...(c.biased && {
      bias: integers([heads, tokens, tokens], () => (next() - 0.5) * Math.min(2 ** 18, shiftBiasBound(depth))),
    }),
    ...(windows > 0 && {
      visible: {
        ...{ dtype: 'bool' as const, shape: [windows, tokens, tokens] },
        data: Uint8Array.from({ length: windows * tokens ** 2 }, () => (next() < 0.6 ? 1 : 0)),
      },
    }),
    ...(!uniform && { boundaries }),
    ...(c.masked && { mask: integers([batch, tokens], () => (next() < 0.6 ? 1 : 0)) }),
  };
  const attrs: ShiftAttentionAttrs = {
    ...{ heads, depth, biased: c.biased, windows, masked: c.masked, tokens, logitBits: c.logitBits },
    ...{ queryExponent: -4, keyExponent: -5, valueExponent: -5, factorExponent: -3 },
    logitExponent: -12 + 15 + near(Math.sqrt(depth)) - c.logitBits,
    ...{ probabilityKind: uniform ? 'uniform' : 'log2', probabilityBits },
    ...{ probabilityExponent: uniform ? -probabilityBits : 0, levelExponent: uniform ? -probabilityBits : -14 },
    ...{ bits, exponent: c.levels === 'identity' ? 2 - bits : 10 - bits },
  };
  return { operands, attrs };
}

function check(c: Case): void {
  const { operands, attrs } = given(c);
  expectAllVariants(CqShiftAttention, shiftAttention, operands, attrs);
}

test('attention by shifts equals its definition for every shape and quantizer', () => {
  const size = (min: number, max: number) => fc.integer({ min, max });
  const sizes = { batch: size(1, 3), tokens: size(1, 40), heads: size(1, 3), depth: size(1, 34) };
  fc.assert(fc.property(anyCase(sizes), check), { numRuns: 500 });
});

test('attention by shifts equals its definition at the sizes of a vision Transformer', () => {
  const fixed = { batch: fc.constant(1), tokens: fc.constant(197), heads: fc.constant(2), depth: fc.constant(64) };
  fc.assert(fc.property(anyCase(fixed), check), { numRuns: 8 });
});

test('the kernel that TensorFlow.js runs equals the definition', async () => {
  const c: Case = {
    ...{ batch: 2, tokens: 21, heads: 2, depth: 16, logitBits: 8, probabilityBits: 4, bits: 8, spread: 'even' },
    ...{ levels: 'cells', fall: 'slowly', masked: true, biased: true, windows: 2, seed: 4 },
  };
  for (const levels of ['cells', 'identity', 'any'] as const) {
    const { operands, attrs } = given({ ...c, levels });
    await expectReference(CqShiftAttention, operands, attrs);
  }
});
