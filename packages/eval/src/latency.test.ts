import { latency, median, spread } from './latency.ts';

test('the median is in the middle, whatever the order', () => {
  expect(median([9, 1, 2])).toBe(2);
  expect(median([9, 1, 2, 3])).toBe(2.5);
  expect(spread([9, 1, 2])).toEqual({ min: 1, median: 2, max: 9 });
  expect(() => median([])).toThrow('at least one value');
});

test('warm-up runs do not count', async () => {
  let runs = 0;
  const { min, median: middle, max } = await latency(() => runs++, { warmUp: 2, rounds: 5 });
  expect(runs).toBe(7);
  expect(min).toBeGreaterThanOrEqual(0);
  expect(middle).toBeGreaterThanOrEqual(min);
  expect(max).toBeGreaterThanOrEqual(middle);
});
