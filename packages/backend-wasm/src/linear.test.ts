import fc from 'fast-check';
import { CqLinear, layoutOf, toPanels, type LinearAttrs, type Operand } from '@cq/core/runtime';
import {
  codes,
  floats,
  integers,
  nearestCode,
  panels,
  seed,
  spread,
  stream,
  zeroPoint,
  type Spread,
} from './testing/arbitrary.ts';
import { linear } from './linear.ts';
import { expectReference } from './testing/equals-reference.ts';
import { expectAllVariants } from './testing/variants.ts';

interface Case {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly weightBits: number;
  readonly end: 'raw' | 'codes' | 'table' | 'int8 residual' | 'int16 residual';
  readonly bits: number;
  readonly tableBits: number;
  readonly zeroPoint: number;
  readonly spread: Spread;
  readonly weightSpread: Spread;
  readonly seed: number;
  /** Larger than what fits the codes to the sums: most of them saturate. */
  readonly gain: number;
}

const ends = ['raw', 'codes', 'table', 'int8 residual', 'int16 residual'] as const;

/** Every other is a multiple of 8. */
const outputsTo = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min: 1, max }),
    fc.integer({ min: 1, max: max >> 3 }).map((panels) => 8 * panels),
  );

const anyCase = (shape: { readonly [K in 'rows' | 'inputs' | 'outputs']: fc.Arbitrary<number> }): fc.Arbitrary<Case> =>
  fc.record({
    ...shape,
    weightBits: fc.constantFrom(1, 2, 3, 4, 8),
    end: fc.constantFrom(...ends),
    bits: fc.constantFrom(4, 8, 16),
    tableBits: fc.integer({ min: 8, max: 12 }),
    zeroPoint,
    spread,
    weightSpread: fc.constantFrom<Spread>('even', 'ends', 'low', 'high'),
    seed,
    gain: fc.constantFrom(0.01, 1, 100),
  });

function given(c: Case): { operands: Record<string, Operand>; attrs: LinearAttrs } {
  const next = stream(c.seed);
  const { rows, inputs, outputs, end } = c;
  const residual = end === 'int8 residual' || end === 'int16 residual';
  const bits = end === 'raw' ? 32 : end === 'table' ? Math.min(c.bits, 8) : c.bits;
  const tableBits = end === 'table' ? c.tableBits : 0;
  const fit = (c.gain * 2 ** Math.min(tableBits || bits, 16)) / (Math.sqrt(inputs) * 2 ** 14);
  const operands: Record<string, Operand> = {
    x: codes(next, [rows, inputs], c.spread),
    w: panels(next, outputs, inputs, c.weightSpread, c.weightBits),
    bias: integers([outputs], () => (next() - 0.5) * 2 ** 20),
    multiplier: floats([outputs], () => fit * (0.5 + next())),
  };
  // One table, or as many as there may be.
  const tables = outputs % 8 === 0 && c.seed % 2 === 1 ? outputs / 8 : 1;
  if (end === 'table') operands['table'] = codes(next, [tables * 2 ** tableBits], 'even');
  if (end === 'int8 residual') operands['residual'] = codes(next, [rows, outputs], 'even');
  if (end === 'int16 residual') operands['residual'] = codes(next, [rows, outputs], 'even', 16, 'int32');
  const attrs: LinearAttrs = {
    ...{
      outputs,
      inputs,
      weightBits: c.weightBits,
      layout: layoutOf(c.weightBits),
      bits,
      zeroPoint: bits === 32 ? 0 : nearestCode(c.zeroPoint, bits),
    },
    ...{
      tableBits,
      tableZeroPoint: nearestCode(c.zeroPoint, c.tableBits),
      residual,
      residualMultiplier: 0.3 + next(),
      residualZeroPoint: -5,
    },
    ...{ inputScale: 1, inputZeroPoint: 0, tableScale: 1, outputScale: 1, residualScale: 1, activation: 'none' },
  };
  return { operands, attrs };
}

function check(c: Case): void {
  const { operands, attrs } = given(c);
  expectAllVariants(CqLinear, linear, operands, attrs);
}

test('linear equals its definition for every shape, weight, epilogue and zero point', () => {
  const size = (max: number) => fc.integer({ min: 1, max });
  const rows = fc.oneof(size(13), fc.integer({ min: 22, max: 30 })); // a panel that meets many is widened
  const cases = anyCase({ rows, inputs: size(70), outputs: outputsTo(40) });
  fc.assert(fc.property(cases, check), { numRuns: 1500 });
});

/** A weight some of whose tiles of 8 outputs by 16 inputs are zero. */
function withoutTiles(c: Case, dropped: number): Operand {
  const { outputs, inputs, weightBits } = c;
  const next = stream(c.seed);
  const values = new Int8Array((codes(next, [outputs, inputs], 'even', weightBits).data as Uint8Array).buffer);
  const tiles = Array.from({ length: Math.ceil(outputs / 8) * Math.ceil(inputs / 16) }, () => next() < dropped);
  const masked = values.map((code, i) => {
    const [n, k] = [Math.floor(i / inputs), i % inputs];
    return tiles[(n >> 3) * Math.ceil(inputs / 16) + (k >> 4)] ? 0 : code;
  });
  const data = toPanels(masked, outputs, inputs, weightBits);
  return { dtype: 'bool', shape: [data.length], data };
}

test('weights with tiles of zeros give the sums of the definition', () => {
  const size = (max: number) => fc.integer({ min: 1, max });
  const cases = anyCase({ rows: fc.integer({ min: 20, max: 33 }), inputs: size(150), outputs: size(40) });
  const check = (c: Case, dropped: number): void => {
    const { operands, attrs } = given(c);
    expectAllVariants(CqLinear, linear, { ...operands, w: withoutTiles(c, dropped) }, attrs);
  };
  fc.assert(fc.property(cases, fc.constantFrom(0.3, 0.6, 0.9, 1), check), { numRuns: 500 });
});

test('linear equals its definition where sums are longest', () => {
  const sizes = {
    rows: fc.constantFrom(1, 5, 26),
    inputs: fc.constantFrom(8191, 8192),
    outputs: fc.constantFrom(1, 9),
  };
  fc.assert(fc.property(anyCase(sizes), check), { numRuns: 50 });
});

const plain = { end: 'raw', bits: 8, tableBits: 8, zeroPoint: 0, gain: 1, seed: 1 } as const;

test.each([1, 2, 3, 4, 8])('sums of %i-bit weights are exact at the ends of both ranges', (weightBits) => {
  for (const spread of ['low', 'high', 'ends'] as const) {
    for (const weightSpread of ['low', 'high', 'ends'] as const) {
      for (const rows of [5, 25]) {
        check({ ...plain, rows, inputs: 8192, outputs: 9, weightBits, spread, weightSpread });
      }
    }
  }
});

test.each(ends)('linear equals its definition over several blocks of rows: %s', (end) => {
  const c = { bits: 8, tableBits: 10, zeroPoint: 3, gain: 1, spread: 'even', weightSpread: 'even', end } as const;
  for (const weightBits of [3, 8]) check({ ...c, rows: 37, inputs: 8192, outputs: 9, weightBits, seed: 2 });
});

test('the kernel that TensorFlow.js runs equals the definition', async () => {
  for (const weightBits of [1, 2, 3, 4, 8]) {
    const { operands, attrs } = given({
      ...{ rows: 9, inputs: 50, outputs: 21, end: 'int16 residual', bits: 16, tableBits: 8, zeroPoint: 5, gain: 1 },
      ...{ weightBits, spread: 'even', weightSpread: 'even', seed: 7 },
    });
    await expectReference(CqLinear, operands, attrs);
  }
});

test('sums beyond int32 wrap as in the definition', () => {
  for (const weightBits of [1, 4, 8]) {
    const sizes = { rows: 2, inputs: 8192, outputs: 8, weightBits } as const;
    const { operands, attrs } = given({ ...plain, ...sizes, spread: 'low', weightSpread: 'low', seed: 3 });
    const bias = integers([8], (i) => (i % 2 ? 2 ** 31 - 1 : -(2 ** 31)));
    expectAllVariants(CqLinear, linear, { ...operands, bias }, attrs);
    expectAllVariants(CqLinear, linear, { ...operands, bias }, { ...attrs, bits: 8 });
  }
});

test('multipliers that make infinities and NaN give the codes of the definition', () => {
  for (const end of ['codes', 'int16 residual'] as const) {
    const { operands, attrs } = given({
      ...{ rows: 4, inputs: 3, outputs: 12, end, bits: 8, tableBits: 8, zeroPoint: 7, gain: 1 },
      ...{ weightBits: 4, spread: 'even', weightSpread: 'even', seed: 4 },
    });
    const multiplier = floats([12], (i) => [NaN, Infinity, -Infinity, 3e38, -0, 1e-45][i % 6]!);
    expectAllVariants(CqLinear, linear, { ...operands, multiplier }, attrs);
  }
});

test('no rows, and rows of more than two sizes', async () => {
  const c = { inputs: 10, outputs: 9, end: 'codes', bits: 8, tableBits: 8, zeroPoint: 0, gain: 1 } as const;
  for (const weightBits of [3, 8]) {
    const spreads = { weightBits, spread: 'even', weightSpread: 'even' } as const;
    const none = given({ ...c, ...spreads, rows: 0, seed: 5 });
    await expectReference(CqLinear, none.operands, none.attrs);
    const { operands, attrs } = given({ ...c, ...spreads, rows: 30, seed: 6 });
    await expectReference(CqLinear, { ...operands, x: { ...operands['x']!, shape: [2, 3, 5, 10] } }, attrs);
  }
});
