import { latency, median, percentile, spread } from './latency.ts';

test('the median is in the middle, whatever the order', () => {
  expect(median([9, 1, 2])).toBe(2);
  expect(median([9, 1, 2, 3])).toBe(2.5);
  expect(spread([9, 1, 2])).toEqual({ min: 1, median: 2, max: 9 });
  expect(() => median([])).toThrow('at least one value');
});

test('a percentile is one of the values, that which so many do not exceed', () => {
  const values = [7, 3, 9, 1, 5, 2, 8, 10, 6, 4];
  expect([0, 0.1, 0.5, 0.95, 1].map((share) => percentile(values, share))).toEqual([1, 1, 5, 10, 10]);
  expect(() => percentile([], 0.5)).toThrow('at least one value');
});

test('warm-up runs do not count', async () => {
  let runs = 0;
  const { min, median: middle, max } = await latency(() => runs++, { warmUp: 2, rounds: 5 });
  expect(runs).toBe(7);
  expect(min).toBeGreaterThanOrEqual(0);
  expect(middle).toBeGreaterThanOrEqual(min);
  expect(max).toBeGreaterThanOrEqual(middle);
});
