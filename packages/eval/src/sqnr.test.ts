import { sqnr } from './sqnr.ts';

test('an error of a tenth of the signal is 20 dB', () => {
  expect(sqnr([10, -10], [9, -9])).toBeCloseTo(20, 9);
});

test('equal values have no noise', () => {
  expect(sqnr([1, 2], [1, 2])).toBe(Infinity);
  expect(sqnr([0, 0], [0, 0])).toBe(Infinity);
});

test('noise without a signal', () => {
  expect(sqnr([0], [1])).toBe(-Infinity);
});

test('as many values', () => {
  expect(() => sqnr([1], [1, 2])).toThrow('sqnr: both must have as many values, got 1 and 2');
});
