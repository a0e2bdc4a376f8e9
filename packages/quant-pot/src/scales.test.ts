import { encode, onLevels } from '@cq/core';
import { candidateScales, floorLog2, symmetricAt } from './scales.ts';

const exponents = (...from: Parameters<typeof candidateScales>): number[] => candidateScales(...from).map(Math.log2);

/** The golden vectors' inputs (methods 9). */
const x = Float32Array.of(-1.2, -0.3, 0, 0.4, 0.85, 2);
const p = Float32Array.of(1, 0.7, 0.5, 0.3, 0.1, 0.02, 0.001, 1e-8);

const meanSquare = (bits: number, exponent: number): number =>
  onLevels(x, [6], symmetricAt(bits, [2 ** exponent])).reduce((sum, level, i) => sum + (level - x[i]!) ** 2, 0) / 6;

test('golden G2: candidates around s = max / ((2^b − 1) / 2), and the error of each', () => {
  expect(exponents('x', 4, 4, 'search')).toEqual([-3, -2, -1, 0]);
  expect(['floor', 'nearest', 'ceil'].map((method) => exponents('x', 4, 4, method as 'floor'))).toEqual([
    [-2],
    [-2],
    [-1],
  ]);
  expect(candidateScales('x', 4, 4, 'float')[0]).toBeCloseTo(0.266667, 6);
  [0.218229, 0.0145833, 0.01875, 0.0520833].forEach((error, i) => expect(meanSquare(4, i - 3)).toBeCloseTo(error, 5));
  expect(exponents('x', 4, 8, 'search')).toEqual([-7, -6, -5, -4]);
  expect([exponents('x', 4, 8, 'floor'), exponents('x', 4, 8, 'ceil')]).toEqual([[-6], [-5]]);
  [0.17595, 5.6966e-5, 6.5104e-5, 2.6e-4].forEach((error, i) => expect(meanSquare(8, i - 7) / error).toBeCloseTo(1, 2));
});

test('golden G3: codes of probabilities on the scale of the logarithm, the top one zero', () => {
  const log2 = (bits: number) => ({ kind: 'log2', bits, base: 1, scale: Float32Array.of(1) }) as const;
  expect([...encode(p, [8], log2(3))]).toEqual([0, 1, 1, 2, 3, 6, 7, 7]);
  expect([...onLevels(p, [8], log2(3))]).toEqual([1, 0.5, 0.5, 0.25, 0.125, 0.015625, 0, 0]);
  expect([...encode(p, [8], log2(4))]).toEqual([0, 1, 1, 2, 3, 6, 10, 15]);
});

test('the logarithm of a power of two is exact, and of what lies just below', () => {
  for (let exponent = -60; exponent <= 60; exponent++) {
    expect(floorLog2(2 ** exponent)).toBe(exponent);
    expect(floorLog2(2 ** exponent * (1 - 2 ** -52))).toBe(exponent - 1);
  }
});

test('a power of two is its own floor, ceiling and nearest', () => {
  for (const method of ['floor', 'nearest', 'ceil'] as const) expect(exponents('x', 255 / 8, 8, method)).toEqual([-3]);
});

test.each([
  [0, 'its largest magnitude must be a positive number, got 0'],
  [NaN, 'its largest magnitude must be a positive number, got NaN'],
  [2 ** 80, 'the exponent of its scale must be -60 to 60, got 72'],
])('no scale for values that span %d', (span, rule) => {
  expect(() => candidateScales('layer/x', span, 8, 'search')).toThrow(`quantize-pot: "layer/x": ${rule}`);
});
