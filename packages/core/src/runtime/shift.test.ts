import fc from 'fast-check';
import { clamp } from './arithmetic.ts';
import { roundShift } from './shift.ts';
import { CqShiftAttention, shareOf } from './shift-attention.ts';
import { CqShiftLayerNorm, integerRoot, reciprocalRoot } from './shift-layer-norm.ts';
import { CqShiftLinear } from './shift-linear.ts';
import type { Operand } from './op.ts';
import { toPanels } from './panel.ts';

const integers = (...values: number[]): Operand => ({
  ...{ dtype: 'int32', shape: [values.length], data: Int32Array.from(values) },
});

/** value · 2^−shift in whole numbers of any length, half to even. */
function inBigInts(value: bigint, shift: number): bigint {
  if (shift <= 0) return value << BigInt(-shift);
  const [floor, unit] = [value >> BigInt(shift), 1n << BigInt(shift)];
  const twice = 2n * (value - floor * unit);
  return twice > unit || (twice === unit && (floor & 1n) === 1n) ? floor + 1n : floor;
}

test('golden G9, which rounds half up: the one tie of it, -6 / 4, goes to the even -2 here', () => {
  expect([-7, -6, 5, 6, 7].map((value) => roundShift(value, 2))).toEqual([-2, -2, 1, 2, 2]);
});

test('shifts of sums are those of integers of any length', () => {
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(int32, fc.integer({ min: -15, max: 40 }), (value, shift) => {
      expect(BigInt(roundShift(value, shift))).toBe(inBigInts(BigInt(value), shift));
    }),
  );
});

test('a residual is added before the one rounding, as integers in units of the finer of the two', () => {
  const int32 = fc.integer({ min: -(2 ** 30), max: 2 ** 30 });
  const exponent = fc.integer({ min: -20, max: 0 });
  fc.assert(
    fc.property(
      int32,
      fc.integer({ min: -128, max: 127 }),
      exponent,
      exponent,
      exponent,
      (sum, code, unit, own, to) => {
        const output = new Int32Array(1);
        CqShiftLinear.reference(
          {
            ...{ x: { dtype: 'bool', shape: [1, 1], data: Uint8Array.of(0) }, bias: integers(sum) },
            w: { dtype: 'bool', shape: [16], data: toPanels(Int8Array.of(1), 1, 1, 8) },
            ...{ unit: integers(unit), exponent: integers(to), residualExponent: integers(own) },
            residual: { dtype: 'bool', shape: [1, 1], data: Uint8Array.of(code) },
          },
          { outputs: 1, inputs: 1, weightBits: 8, layout: 'k2n8', bits: 16, tableBits: 0, residual: true },
          output,
        );
        const finest = Math.min(unit, own);
        const exact = (BigInt(sum) << BigInt(unit - finest)) + (BigInt(code) << BigInt(own - finest));
        expect(output[0]).toBe(clamp(Number(inBigInts(exact, to - finest)), -32768, 32767));
      },
    ),
  );
});

test('the integer root is the largest whose square is no more', () => {
  const check = (value: number): void => {
    const root = BigInt(integerRoot(value));
    expect(root * root <= BigInt(value) && (root + 1n) ** 2n > BigInt(value)).toBe(true);
  };
  fc.assert(fc.property(fc.maxSafeNat(), check));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 26 }), fc.integer({ min: -1, max: 1 }), (n, d) => check(n * n + d)),
  );
});

/** Golden G22: q = [10, −3, 7, 2], k = [0, 3, 1, 0] → shifted [10, −24, 14, 2]; C Σ² − (Σ)² = 3500, σ = 14.790199. */
test('golden G22: statistics of codes that are shifted channel by channel', () => {
  const { reciprocal, shift } = reciprocalRoot(3500);
  expect(2 ** 20 / (reciprocal * 2 ** -shift * 4)).toBeCloseTo(14.790199, 4);
  const output = new Int32Array(4);
  const x: Operand = { dtype: 'bool', shape: [1, 4], data: Uint8Array.of(10, -3, 7, 2) };
  const one = integers(...Array<number>(4).fill(2 ** 13));
  CqShiftLayerNorm.reference(
    { x, exponents: integers(-6, -3, -5, -6), gamma: one, beta: integers(0, 0, 0, 0) },
    { epsilon: 0, gainBits: 0, bits: 16, exponent: -13 },
    output,
  );
  const expected = [0.642317, -1.656502, 0.912767, 0.101419];
  output.forEach((code, c) => expect(Math.abs(code / 2 ** 13 - expected[c]!)).toBeLessThan(2 ** -14 + 1e-6));
});

/**
 * Golden G14: logits [40, 24, 8, −24] in sixteenths, 4 bits → codes [1, 2, 3, 6], levels [1/2, 1/4, 1/8, 1/64]. That one has a
 * polynomial for the exponential and boundaries at 1.5 · 2^k, this a table and boundaries at √2 · 2^k: codes could differ for
 * probabilities between 2/3 and √½ of a power of two.
 */
test('golden G14: codes of the logarithm from integers', () => {
  const keys = [40, 24, 8, -24];
  const top = 2 ** 24;
  const table = Int32Array.from({ length: 256 }, (_, d) => Math.round(top * Math.exp(-d / 16)));
  const levels = Int32Array.from({ length: 16 }, (_, i) => (i === 0 ? 0 : 2 ** (i - 1)));
  const boundaries = integers(...Array.from({ length: 15 }, (_, i) => Math.round(2 ** 30 * 2 ** (i - 14.5))));
  const found = keys.map((_, chosen) => {
    const output = new Int32Array(4);
    CqShiftAttention.reference(
      {
        q: { dtype: 'bool', shape: [1, 4, 1], data: Uint8Array.of(1, 1, 1, 1) },
        k: { dtype: 'bool', shape: [1, 4, 1], data: Uint8Array.from(keys) },
        v: { dtype: 'bool', shape: [1, 4, 1], data: Uint8Array.from(keys, (_, j) => Number(j === chosen)) },
        exponentials: { dtype: 'int32', shape: [256], data: table },
        levels: { dtype: 'int32', shape: [16], data: levels },
        boundaries,
      },
      {
        ...{ heads: 1, depth: 1, biased: false, windows: 0, masked: false, tokens: 4, logitBits: 8, logitExponent: -4 },
        ...{ queryExponent: 0, keyExponent: -4, valueExponent: 0, factorExponent: 0, probabilityKind: 'log2' },
        ...{ probabilityBits: 4, probabilityExponent: 0, levelExponent: -14, bits: 16, exponent: -14 },
      },
      output,
    );
    return output[0]! / 2 ** 14;
  });
  expect(found).toEqual([1 / 2, 1 / 4, 1 / 8, 1 / 64]);
});

test('shares of a sum are rounded up, in integers of any length', () => {
  const int32 = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(int32, int32, (total, boundary) => {
      const exact = (BigInt(total) * BigInt(boundary) + (1n << 30n) - 1n) >> 30n;
      expect(BigInt(shareOf(total, boundary))).toBe(exact);
    }),
  );
});

test('uniform codes of probabilities are the exact quotients, half to even', () => {
  const exponentials = fc.array(fc.integer({ min: 0, max: 2 ** 24 }), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(exponentials, fc.integer({ min: 0, max: 12 }), (values, fraction) => {
      const total = values.reduce((sum, value) => sum + value, 0);
      fc.pre(total > 0);
      const code = Math.min(255, Number(nearestQuotient(BigInt(values[0]!) << BigInt(fraction), BigInt(total))));
      expect(uniformCode(values, fraction)).toBe(code);
    }),
  );
  expect([uniformCode([1, 1], 0), uniformCode([3, 1], 1), uniformCode([1, 3], 1)]).toEqual([0, 2, 0]); // ½, 1½, ½
});

function nearestQuotient(a: bigint, b: bigint): bigint {
  const floor = a / b;
  const twice = 2n * (a - floor * b);
  return twice > b || (twice === b && (floor & 1n) === 1n) ? floor + 1n : floor;
}

/** The code of the first of these exponentials, each of which is the table's entry of another logit. */
function uniformCode(values: readonly number[], fraction: number): number {
  const output = new Int32Array(values.length);
  const sorted = values.map((value, j) => ({ value, j })).sort((a, b) => b.value - a.value);
  const table = new Int32Array(256);
  const keys = new Uint8Array(values.length);
  sorted.forEach(({ value, j }, place) => {
    table[place] = value;
    keys[j] = -place;
  });
  const tokens = values.length;
  const shape = [1, tokens, 1];
  CqShiftAttention.reference(
    {
      q: { dtype: 'bool', shape, data: new Uint8Array(tokens).fill(1) },
      k: { dtype: 'bool', shape, data: keys },
      v: { dtype: 'bool', shape, data: Uint8Array.from(values, (_, j) => Number(j === 0)) },
      exponentials: { dtype: 'int32', shape: [256], data: table },
      levels: { dtype: 'int32', shape: [256], data: Int32Array.from({ length: 256 }, (_, i) => i) },
    },
    {
      ...{ heads: 1, depth: 1, biased: false, windows: 0, masked: false, tokens, logitBits: 8, logitExponent: 0 },
      ...{ queryExponent: 0, keyExponent: 0, valueExponent: 0, factorExponent: 0, probabilityKind: 'uniform' },
      ...{ probabilityBits: 8, probabilityExponent: -fraction, levelExponent: 0, bits: 16, exponent: 0 },
    },
    output,
  );
  return output[0]!;
}
