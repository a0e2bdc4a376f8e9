import fc from 'fast-check';
import {
  asymmetric,
  codebook,
  decode,
  encode,
  hasZero,
  onLevels,
  quantizers,
  rowQuantizer,
  symmetric,
  unsigned,
  type CodebookQuantizer,
  type Log2Quantizer,
  type StoredQuantizer,
  type UniformLog2Quantizer,
  type UniformQuantizer,
} from './index.ts';
import { uniformLog2Cells } from './quantizers/uniform-log2.ts';
import { cellOf } from './runtime/cell.ts';

const x = Float32Array.of(-1.2, -0.3, 0, 0.4, 0.85, 2.0);
const p = Float32Array.of(1, 0.7, 0.5, 0.3, 0.1, 0.02, 0.001, 1e-8);

const one = Float32Array.of(1);
const log2 = (bits: number, base: 1 | 2 = 1, scale = one): Log2Quantizer => ({ kind: 'log2', bits, base, scale });
const uniformLog2 = (bits: number, lower: number, truncation: number, base = 1): UniformLog2Quantizer => ({
  ...{ kind: 'uniform-log2', bits, lower, truncation, base, scale: one },
});

const codesOf = (values: Float32Array, quantizer: StoredQuantizer): number[] => [
  ...encode(values, [values.length], quantizer),
];

function expectLevels(values: Float32Array, quantizer: StoredQuantizer, expected: readonly number[]): void {
  const levels = onLevels(values, [values.length], quantizer);
  expected.forEach((value, i) => expect(levels[i]).toBeCloseTo(value, 5));
  expect(levels.length).toBe(expected.length);
}

/** Golden vectors of the published quantizers. */
describe('golden', () => {
  test('G1: asymmetric codes over [min, max], there from 0; signed codes stand 8 lower', () => {
    const quantizer = asymmetric(4, -1.2, 2.0);
    expect(quantizer.scale[0]).toBeCloseTo(0.2133333, 6);
    expect(codesOf(x, quantizer).map((code) => code + 8)).toEqual([0, 5, 6, 8, 10, 15]);
    expectLevels(x, quantizer, [-1.28, -0.213333, 0, 0.426667, 0.853333, 1.92]);
  });

  test.each([
    [4, [-3, -2, -1, 0], [0.218229, 0.0145833, 0.01875, 0.0520833]],
    [8, [-7, -6, -5, -4], [0.17595, 5.6966e-5, 6.5104e-5, 2.6042e-4]],
  ])('G2: symmetric codes with power-of-two scales, %i bits: squared errors', (bits, exponents, errors) => {
    for (const [i, exponent] of exponents.entries()) {
      const quantizer = symmetric(bits, [2 ** exponent * (2 ** (bits - 1) - 1)]);
      expect([...quantizer.scale]).toEqual([2 ** exponent]);
      const levels = onLevels(x, [6], quantizer);
      const error = x.reduce((sum, value, k) => sum + (value - levels[k]!) ** 2, 0) / 6;
      expect(error / errors[i]!).toBeCloseTo(1, 4);
    }
  });

  test('G3: log2', () => {
    expect(codesOf(p, log2(3))).toEqual([0, 1, 1, 2, 3, 6, 7, 7]);
    expectLevels(p, log2(3), [1, 0.5, 0.5, 0.25, 0.125, 0.015625, 0, 0]);
    expect(codesOf(p, log2(4))).toEqual([0, 1, 1, 2, 3, 6, 10, 15]);
    expectLevels(p, log2(4), [1, 0.5, 0.5, 0.25, 0.125, 0.015625, 0.000977, 0]);
  });

  test('G4: log √2', () => {
    const quantizer = log2(4, 2, Float32Array.of(0.9));
    expect(codesOf(p, quantizer)).toEqual([0, 1, 2, 3, 6, 11, 15, 15]);
    expectLevels(p, quantizer, [0.9, 0.636396, 0.45, 0.318198, 0.1125, 0.019887, 0, 0]);
  });

  test('G5: shift-uniform-log2 is uniform-log2 of p + η, less η, without a code for zero', () => {
    const shift = 0.01;
    const cells = uniformLog2Cells(8, { lower: -0.0143553, truncation: 6.6438547, base: 1 });
    const found = Array.from(p, (value) => cellOf(cells.boundaries, value + shift));
    expect(found.map((cell) => 8 - cell)).toEqual([0, 1, 1, 2, 3, 5, 7, 7]);
    const levels = [0.99, 0.49, 0.49, 0.24, 0.115, 0.02125, -0.002188, -0.002188];
    levels.forEach((level, i) => expect(cells.levels[found[i]!]! - shift).toBeCloseTo(level, 6));
  });

  test.each([
    [8, 0, 9, [0, 1, 3, 4, 5, 6, 8, 9], [0, 0, 1, 1, 3, 4, 8, 8], [1, 1, 0.5, 0.5, 0.0625, 0.03125, 0, 0]],
    [8, 1, 8, [1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 1, 2, 5, 8, 8], [0.5, 0.5, 0.5, 0.25, 0.125, 0.015625, 0, 0]],
    [
      ...([16, 0, 12, [0, 1, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 10, 11, 12], [0, 1, 1, 2, 4, 7, 12, 16]] as const),
      [1, 0.5, 0.5, 0.25, 0.125, 0.015625, 0.000977, 0],
    ],
  ])(
    'G6: truncated uniform-log2, %i powers from 2^-%i to 2^-%i and a zero as an extra level',
    (count, lower, truncation, exponents, codes, levels) => {
      const cells = uniformLog2Cells(count, { lower, truncation, base: 1 });
      expect([...cells.levels]).toEqual([0, ...exponents.map((e) => 2 ** -e).reverse()]);
      const found = Array.from(p, (value) => cellOf(cells.boundaries, value));
      expect(found.map((cell) => count - cell)).toEqual(codes);
      levels.forEach((level, i) => expect(cells.levels[found[i]!]).toBeCloseTo(level, 6));
    },
  );

  test('truncated uniform-log2 with its zero within 2^bits codes, integer and half-integer exponents', () => {
    // Δ = 9 / 6: exponents 0, 1.5, 3, 4.5, 6, 7.5, 9; halves go to the even integer.
    const integers = Float32Array.of(0, ...[9, 8, 6, 4, 3, 2, 0].map((e) => 2 ** -e));
    expect([...decode([7, 6, 5, 4, 3, 2, 1, 0], [8], uniformLog2(3, 0, 9))]).toEqual([...integers]);
    const halves = [9, 7.5, 6, 4.5, 3, 1.5, 0].map((e) => Math.fround(2 ** -e));
    expect([...decode([7, 6, 5, 4, 3, 2, 1, 0], [8], uniformLog2(3, 0, 9, 2))]).toEqual([0, ...halves]);
    // −log2(p) / Δ = 0, .34, .67, 1.16, 2.2, 3.8, 6.6, 17.7
    expect(codesOf(p, uniformLog2(3, 0, 9))).toEqual([0, 0, 1, 1, 2, 4, 7, 7]);
  });

  test('G7: AdaLog, base 2^(25/37), as a codebook of 16 levels and zero', () => {
    const fine = (rest: number) => Math.round(2 ** (-rest / 37) * 30) / 30;
    const powers = Array.from({ length: 16 }, (_, q) => 2 ** -Math.floor((q * 25) / 37) * fine((q * 25) % 37));
    const ends = Array.from({ length: 16 }, (_, q) => 2 ** ((-(q + 0.5) * 25) / 37));
    const { levels } = codebook([0, ...powers]);
    const boundaries = Float32Array.of(...ends.reverse(), ...Array<number>(15).fill(Infinity));
    const quantizer: CodebookQuantizer = { kind: 'codebook', bits: 5, levels, boundaries, scale: one };
    expect(codesOf(p, quantizer).map((code) => Math.min(15, 16 - code))).toEqual([0, 1, 1, 3, 5, 8, 15, 15]);
    expectLevels(p, quantizer, [1, 0.633333, 0.633333, 0.241667, 0.095833, 0.023958, 0.000879, 0]);
  });

  test('G13: twin ranges, disjoint: 8 steps up to 2^-4, 8 up to 1', () => {
    const split = 2 ** -4;
    const steps = Array.from({ length: 8 }, (_, k) => k / 7);
    const levels = Float32Array.of(...steps.map((k) => k * split), ...steps.map((k) => Math.max(k, split)));
    const half = 0.5 / 7;
    const low = steps.slice(0, 7).map((k) => (k + half) * split);
    const high = steps.slice(0, 7).map((k) => k + half);
    const quantizer: CodebookQuantizer = {
      ...{ kind: 'codebook', bits: 4, levels, scale: one },
      boundaries: Float32Array.of(...low, split, ...high),
    };
    expectLevels(p, quantizer, [1, 0.714286, 0.571429, 0.285714, 0.142857, 0.017857, 0, 0]);
  });
});

test('halves go to the even code, NaN to the code of zero, infinities to the ends', () => {
  const special = Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, NaN, Infinity, -Infinity);
  expect(codesOf(special, symmetric(8, [127]))).toEqual([0, 2, 2, 0, -2, 0, 127, -128]);
  expect(codesOf(special, codebook([-2, -1, 0, 1, 2, 3, 4, 5]))).toEqual([2, 4, 4, 2, 0, 2, 7, 0]);
  expect(codesOf(special, log2(3))).toEqual([1, 0, 0, 7, 7, 7, 0, 7]);
});

test('b bits are 2^b codes, zero included', () => {
  const dense = Float32Array.from({ length: 4001 }, (_, i) => i / 4000);
  for (const quantizer of [unsigned(3, 1), log2(3), log2(3, 2), uniformLog2(3, 0.5, 7), uniformLog2(3, 0, 6, 2)]) {
    expect(new Set(codesOf(dense, quantizer)).size).toBe(8);
  }
});

test('scales per channel run along their axis', () => {
  const quantizer = symmetric(8, [127, 254], 1);
  expect([...encode(Float32Array.of(10, 10, -4, -4), [2, 2], quantizer)]).toEqual([10, 5, -4, -2]);
  expect(() => encode(new Float32Array(3), [1, 3], quantizer)).toThrow(/2 scales along axis 1 of \[1, 3\], needs 3/);
});

test('scales per group run along the other axis, channel by channel', () => {
  const grouped = (axis: number) => ({ ...symmetric(8, [127, 254, 508, 1016], axis), group: 2 });
  const values = Float32Array.of(8, 8, 8, 8, 8, 8);
  expect([...encode(values, [2, 3], grouped(0))]).toEqual([8, 8, 4, 2, 2, 1]);
  expect([...encode(values, [3, 2], grouped(1))]).toEqual([8, 2, 8, 2, 4, 1]);
  expect(() => encode(values, [2, 3], grouped(1))).toThrow('4 scales along axis 1 of [2, 3], needs 3');
  expect(() => encode(values, [2, 3, 1], grouped(0))).toThrow('which only matrices can have');
});

test('a dynamic quantizer has a scale per row, by which the largest value is the largest code', () => {
  const values = Float32Array.of(1, -2, 0.5, 0, 0, 0, 254, -127, 1);
  const dynamic = { kind: 'dynamic', bits: 8 } as const;
  expect([...encode(values, [3, 3], dynamic)]).toEqual([64, -127, 32, 0, 0, 0, 127, -64, 0]);
  const rows = rowQuantizer(values, [1, 3, 3], dynamic);
  expect([...rows.scale]).toEqual([Math.fround(2 / 127), 2 ** -100, 2]);
  expect(onLevels(values, [3, 3], dynamic)).toEqual(decode(encode(values, [3, 3], dynamic), [3, 3], rows));
});

const levelList = fc
  .uniqueArray(fc.integer({ min: -512, max: 512 }), { minLength: 2, maxLength: 40 })
  .map((steps) => steps.map((step) => step / 64));
const scale = fc.float({ min: Math.fround(1e-3), max: 1e3, noNaN: true });
const uniform = fc
  .record({
    bits: fc.integer({ min: 2, max: 16 }),
    low: fc.float({ min: -1e4, max: 0, noNaN: true }),
    high: fc.float({ min: 0, max: 1e4, noNaN: true }),
  })
  .map(({ bits, low, high }) => asymmetric(bits, low, high));
const base = fc.constantFrom<1 | 2>(1, 2);
const stored: fc.Arbitrary<StoredQuantizer> = fc.oneof(
  uniform,
  fc
    .record({ bits: fc.integer({ min: 1, max: 8 }), base, scale })
    .map(({ scale, bits, base }) => log2(bits, base, Float32Array.of(scale))),
  fc
    .record({
      bits: fc.integer({ min: 2, max: 8 }),
      base: fc.constantFrom(1, 2, 16),
      lower: fc.integer({ min: -4, max: 16 }),
      scale,
    })
    .chain(({ bits, base, lower, scale }) =>
      fc.integer({ min: 1, max: 60 }).map((steps) => ({
        ...uniformLog2(bits, lower / 4, (lower + steps) / 4, base),
        scale: Float32Array.of(scale),
      })),
    ),
  fc.record({ levels: levelList, scale }).map(({ levels, scale }) => codebook(levels, scale)),
);

/** Among all float32 numbers, most of which are far from 1. */
const value = fc.oneof(
  fc.float({ min: -16, max: 16, noNaN: true }),
  fc.float({ noNaN: true }),
  fc.constantFrom(0, -0, Infinity, -Infinity, 2 ** -149),
);

test('codes are in range and follow the order of values', () => {
  fc.assert(
    fc.property(stored, fc.array(value, { minLength: 2, maxLength: 20 }), (quantizer, values) => {
      const sorted = Float32Array.from(values).sort();
      const codes = codesOf(sorted, quantizer);
      const signed = quantizer.kind === 'uniform' ? 2 ** (quantizer.bits - 1) : 0;
      expect(codes.every((code) => code >= -signed && code < 2 ** quantizer.bits - signed)).toBe(true);
      const falls = quantizer.kind === 'log2' || quantizer.kind === 'uniform-log2';
      const rising = falls ? [...codes].reverse() : codes;
      expect(rising).toEqual([...rising].sort((a, b) => a - b));
    }),
    { numRuns: 500 },
  );
});

test('a level stays where it is', () => {
  fc.assert(
    fc.property(stored, (quantizer) => {
      const signed = quantizer.kind === 'uniform' && quantizer.signed ? 2 ** (quantizer.bits - 1) : 0;
      const codes = Int32Array.from({ length: 2 ** quantizer.bits }, (_, code) => code - signed);
      const levels = decode(codes, [codes.length], quantizer);
      expect(onLevels(levels, [levels.length], quantizer)).toEqual(levels);
    }),
    { numRuns: 500 },
  );
});

test('zero stays exactly zero, wherever there is a level for it', () => {
  const zero = Float32Array.of(0);
  fc.assert(
    fc.property(stored, (quantizer) => {
      if (quantizer.kind === 'codebook') return;
      expect(onLevels(zero, [1], quantizer)).toEqual(zero);
      expect(hasZero(quantizer)).toBe(true);
    }),
  );
  expect(hasZero(codebook([-1, 0, 1]))).toBe(true);
  expect(hasZero(codebook([-1, 1]))).toBe(false);
  expect(hasZero({ ...asymmetric(4, 0, 1), zeroPoint: Int32Array.of(-9) })).toBe(false);
});

test('the error of a uniform quantizer within its range is at most half a step', () => {
  fc.assert(
    fc.property(uniform, fc.float({ min: 0, max: 1, noNaN: true }), (quantizer: UniformQuantizer, t) => {
      const { scale, zeroPoint, bits } = quantizer;
      const [low, high] = [-(2 ** (bits - 1)) - zeroPoint[0]!, 2 ** (bits - 1) - 1 - zeroPoint[0]!].map(
        (c) => c * scale[0]!,
      ) as [number, number];
      const given = Float32Array.of(low + t * (high - low));
      const [level] = onLevels(given, [1], quantizer);
      expect(Math.abs(level! - given[0]!)).toBeLessThanOrEqual(scale[0]! * (0.5 + 2 ** -6));
    }),
  );
});

test('a codebook puts every value on its nearest level', () => {
  fc.assert(
    fc.property(levelList, fc.float({ min: -10, max: 10, noNaN: true }), (levels, given) => {
      const [level] = onLevels(Float32Array.of(given), [1], codebook(levels));
      const least = Math.min(...levels.map((candidate) => Math.abs(candidate - given)));
      expect(Math.abs(level! - given)).toBe(least);
    }),
    { numRuns: 500 },
  );
});

test('there is a row for every kind', () => {
  expect(Object.keys(quantizers)).toEqual(['uniform', 'log2', 'uniform-log2', 'codebook', 'dynamic']);
});
