import { fractionBits, mantissas } from './shift-layer-norm.ts';

test('golden G16: A = 0.0371 in 8 bits is 151 / 2^12', () => {
  expect(fractionBits([0.0371], 8)).toBe(12);
  expect([...mantissas([0.0371, -0.0371], 12)]).toEqual([151, -151]);
});

test('the largest of several values decides', () => {
  expect(fractionBits([0.01, -1, 0.5], 8)).toBe(7);
  expect([...mantissas([0.01, -1, 0.5], 7)]).toEqual([1, -128, 64]);
});
