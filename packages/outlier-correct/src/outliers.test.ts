import { outliersAmong } from './outliers.ts';

test('outliers are more than 6 times the median', () => {
  expect(outliersAmong([1, 2, 30, 1, 6, 1, 1, 13])).toEqual([2, 7]);
  expect(outliersAmong([0, 0, 0])).toEqual([]);
});
