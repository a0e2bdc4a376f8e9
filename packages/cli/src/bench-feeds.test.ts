import { randomFeeds } from './bench-feeds.ts';

const pixels = { name: 'pixels', dtype: 'float32', shape: [-1, 3, 40, 40] } as const;

test('floats are normal, the same for the same seed', () => {
  const { shape, data } = randomFeeds([pixels], 2, 1)['pixels']!;
  expect(shape).toEqual([2, 3, 40, 40]);
  const values = [...data];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.05); // five standard errors of 9,600 values
  expect(Math.abs(variance - 1)).toBeLessThan(0.08);
  expect(randomFeeds([pixels], 2, 1)['pixels']!.data).toEqual(data);
  expect(randomFeeds([pixels], 2, 2)['pixels']!.data).not.toEqual(data);
});

test('integers may be indices: 64 ones where any number of tokens goes', () => {
  const { shape, data } = randomFeeds([{ name: 'ids', dtype: 'int32', shape: [-1, -1] }], 1, 1)['ids']!;
  expect([shape, new Set(data)]).toEqual([[1, 64], new Set([1])]);
});

test.each([
  ['sizes that are not fixed', [-1, 3, -1, 40], 1, 'must have fixed sizes behind the batch, got [-1, 3, -1, 40]'],
  ['another batch', [1, 3, 40, 40], 8, 'must take a batch of 8, got [1, 3, 40, 40]'],
])('%s are refused', (_, shape, batch, message) => {
  expect(() => randomFeeds([{ ...pixels, shape }], batch, 1)).toThrow(message);
});
