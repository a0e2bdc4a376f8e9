import { codebook, encode, hasZero, onLevels } from '@cq/core';
import { logarithmic, truncated } from './log2-quantizer.ts';

/** The golden vectors' input (methods 9). */
const p = Float32Array.of(1, 0.7, 0.5, 0.3, 0.1, 0.02, 0.001, 1e-8);

const codes = (quantizer: Parameters<typeof encode>[2]): number[] => [...encode(p, [8], quantizer)];
const levels = (quantizer: Parameters<typeof encode>[2]): number[] => [...onLevels(p, [8], quantizer)];
const close = (given: readonly number[], expected: readonly number[]): void =>
  given.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));

test('golden G3: log2, the top code zero', () => {
  expect(codes(logarithmic(3, 'log2'))).toEqual([0, 1, 1, 2, 3, 6, 7, 7]);
  close(levels(logarithmic(3, 'log2')), [1, 0.5, 0.5, 0.25, 0.125, 0.015625, 0, 0]);
  expect(codes(logarithmic(4, 'log2'))).toEqual([0, 1, 1, 2, 3, 6, 10, 15]);
});

test('golden G4: log√2 behind a scale', () => {
  expect(codes(logarithmic(4, 'log-sqrt2', 0.9))).toEqual([0, 1, 2, 3, 6, 11, 15, 15]);
  close(levels(logarithmic(4, 'log-sqrt2', 0.9)), [0.9, 0.636396, 0.45, 0.318198, 0.1125, 0.019887, 0, 0]);
});

test('golden G6, with zero among the 2^b codes: a width of b bits has one power fewer', () => {
  // (L, T) = (1, 7) in 6 steps of 1 is what (1, 8) in 7 is where zero is a level more.
  expect(codes(truncated(3, 'integer', { lower: 1, truncation: 7 }))).toEqual([0, 0, 0, 1, 2, 5, 7, 7]);
  close(levels(truncated(3, 'integer', { lower: 1, truncation: 7 })), [0.5, 0.5, 0.5, 0.25, 0.125, 0.015625, 0, 0]);
  // Δ 0.8 as (0, 12, 4) has it.
  const four = truncated(4, 'integer', { lower: 0, truncation: 11.2 });
  expect(codes(four).slice(0, 7)).toEqual([0, 1, 1, 2, 4, 7, 12]);
  close(levels(four), [1, 0.5, 0.5, 0.25, 0.125, 0.015625, 0.000977, 0]);
});

test('half exponents are multiples of √2, and every kind has a level for zero', () => {
  const half = truncated(3, 'half', { lower: 0.5, truncation: 6.5 });
  for (const level of levels(half)) {
    if (level > 0) expect((-2 * Math.log2(level)) % 1).toBeCloseTo(0, 5);
  }
  for (const quantizer of [half, logarithmic(2, 'log2'), logarithmic(8, 'log-sqrt2')])
    expect(hasZero(quantizer)).toBe(true);
  expect(onLevels(Float32Array.of(0), [1], half)[0]).toBe(0);
});

test('golden G5, G7: what other methods round to is a codebook', () => {
  // G5, I&S-ViT's shifted logarithm, its least level clamped to 0; G7, AdaLog's base 2^(25/37) for its 15 levels above 0.
  const shifted = codebook(Float64Array.of(0, 0.0056, 0.02125, 0.0525, 0.115, 0.24, 0.49, 0.99));
  expect(
    levels(shifted)
      .slice(0, 4)
      .map((x) => Math.round(x * 100) / 100),
  ).toEqual([0.99, 0.49, 0.49, 0.24]);
  const [r, qb, d] = [37, 25, 2 * 2 ** 4 - 2];
  const table = Array.from(
    { length: 16 },
    (_, q) => 2 ** -Math.floor((q * qb) / r) * (Math.round(2 ** (-((q * qb) % r) / r) * d) / d),
  );
  expect([0, 1, 3, 5, 8, 15].map((q) => Number(table[q]!.toFixed(6)))).toEqual([
    1, 0.633333, 0.241667, 0.095833, 0.023958, 0.000879,
  ]);
});

test('fine exponents are multiples of 1 / 16, and the code of the largest level holds 2^−L exactly', () => {
  const fine = truncated(3, 'fine', { lower: 0.5, truncation: 5 });
  const decoded = levels(fine);
  for (const level of decoded) {
    if (level > 0) expect(Math.abs(16 * Math.log2(level) - Math.round(16 * Math.log2(level)))).toBeLessThan(1e-5);
  }
  expect(Math.max(...decoded)).toBeCloseTo(2 ** -0.5, 7);
  expect(onLevels(Float32Array.of(0), [1], fine)[0]).toBe(0);
});
