import fc from 'fast-check';
import { CqShiftLinear, layoutOf, type Operand, type ShiftLinearAttrs } from '@cq/core/runtime';
import { shiftLinear } from './shift-linear.ts';
import { codes, integers, panels, seed, spread, stream, type Spread } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';
import { expectAllVariants } from './testing/variants.ts';

const ends = ['raw', 'codes', 'table', 'int8 residual', 'int16 residual'] as const;

interface Case {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly weightBits: number;
  readonly end: (typeof ends)[number];
  readonly bits: number;
  readonly tableBits: number;
  readonly spread: Spread;
  readonly weightSpread: Spread;
  readonly seed: number;
  /** Bits by which sums are shifted less than what fits them to the codes: most of those saturate then. */
  readonly less: number;
}

const anyCase = (shape: { readonly [K in 'rows' | 'inputs' | 'outputs']: fc.Arbitrary<number> }): fc.Arbitrary<Case> =>
  fc.record({
    ...shape,
    weightBits: fc.constantFrom(1, 2, 3, 4, 8),
    end: fc.constantFrom(...ends),
    bits: fc.constantFrom(4, 8, 16),
    tableBits: fc.integer({ min: 8, max: 12 }),
    spread,
    weightSpread: fc.constantFrom<Spread>('even', 'ends', 'low', 'high'),
    seed,
    less: fc.constantFrom(-3, 0, 6, 20),
  });

function given(c: Case): { operands: Record<string, Operand>; attrs: ShiftLinearAttrs } {
  const next = stream(c.seed);
  const { rows, inputs, outputs, end } = c;
  const residual = end.endsWith('residual');
  const bits = end === 'raw' ? 32 : end === 'table' ? Math.min(c.bits, 8) : c.bits;
  const tableBits = end === 'table' ? c.tableBits : 0;
  const fit = 14 + Math.ceil(Math.log2(inputs) / 2) - Math.min(tableBits || bits, 16) - c.less;
  const about = (center: number) => integers([outputs], () => center + Math.floor(next() * 4));
  const operands: Record<string, Operand> = {
    x: codes(next, [rows, inputs], c.spread),
    w: panels(next, outputs, inputs, c.weightSpread, c.weightBits),
    bias: integers([outputs], () => (next() - 0.5) * 2 ** 20),
    unit: about(-20),
  };
  if (end !== 'raw') operands['exponent'] = about(fit - 20);
  if (end === 'table') operands['table'] = codes(next, [2 ** tableBits], 'even');
  if (end === 'int8 residual') operands['residual'] = codes(next, [rows, outputs], 'even');
  if (end === 'int16 residual') operands['residual'] = codes(next, [rows, outputs], 'even', 16, 'int32');
  if (residual) operands['residualExponent'] = about(fit - 22);
  const attrs: ShiftLinearAttrs = {
    ...{ outputs, inputs, weightBits: c.weightBits, layout: layoutOf(c.weightBits), bits, tableBits, residual },
    ...{ inputExponent: -5, tableExponent: -5, activation: 'none' },
  };
  return { operands, attrs };
}

function check(c: Case): void {
  const { operands, attrs } = given(c);
  expectAllVariants(CqShiftLinear, shiftLinear, operands, attrs);
}

test('linear by shifts equals its definition for every shape, weight and epilogue', () => {
  const size = (max: number) => fc.integer({ min: 1, max });
  const cases = anyCase({
    rows: fc.oneof(size(9), fc.integer({ min: 22, max: 30 })),
    inputs: size(50),
    outputs: size(40),
  });
  fc.assert(fc.property(cases, check), { numRuns: 600 });
});

test('linear by shifts equals its definition where sums are longest', () => {
  const sizes = {
    rows: fc.constantFrom(1, 5, 26),
    inputs: fc.constantFrom(4095, 8192),
    outputs: fc.constantFrom(1, 9),
  };
  fc.assert(fc.property(anyCase(sizes), check), { numRuns: 25 });
});

test('exponents at the ends of their range', () => {
  for (const end of ['codes', 'table', 'int8 residual', 'int16 residual'] as const) {
    const { operands, attrs } = given({
      ...{ rows: 5, inputs: 20, outputs: 19, weightBits: 8, end, bits: 8, tableBits: 9, less: 0 },
      ...{ spread: 'even', weightSpread: 'ends', seed: 3 },
    });
    const far = (i: number) => integers([19], (n) => ((n + i) % 3) * 64 - 64);
    const exponents = { unit: far(0), exponent: far(1), ...(end.endsWith('residual') && { residualExponent: far(2) }) };
    expectAllVariants(CqShiftLinear, shiftLinear, { ...operands, ...exponents }, attrs);
  }
});

test('the kernel that TensorFlow.js runs equals the definition', async () => {
  for (const end of ends) {
    const { operands, attrs } = given({
      ...{ rows: 9, inputs: 50, outputs: 21, weightBits: 4, end, bits: 8, tableBits: 10, less: 0 },
      ...{ spread: 'even', weightSpread: 'even', seed: 7 },
    });
    await expectReference(CqShiftLinear, operands, attrs);
  }
});
