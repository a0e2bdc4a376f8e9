import fc from 'fast-check';
import { activationRange, histogram, quantileRange, type Histogram } from './index.ts';

function collect(...batches: readonly Float32Array[]): Histogram {
  const { start, update, finish } = histogram();
  return finish(
    batches.reduce((state, batch) => update(state, batch, [batch.length]), start()),
    'x',
  );
}

const values = fc.float32Array({
  minLength: 1,
  maxLength: 200,
  noNaN: true,
  noDefaultInfinity: true,
  max: 2 ** 100,
  min: -(2 ** 100),
});

test('counts every value in the bin it lies in, and keeps the extremes exactly', () => {
  fc.assert(
    fc.property(values, (batch) => {
      const { counts, width, min, max, count } = collect(batch);
      expect([min, max, count]).toEqual([Math.min(...batch), Math.max(...batch), batch.length]);
      const expected = new Float64Array(counts.length);
      for (const x of batch) expected[Math.floor(x / width) + counts.length / 2]! += 1;
      expect(counts).toEqual(expected);
    }),
  );
});

test('the order and the split into batches do not matter', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const forth = collect(a, b);
      expect(collect(b, a)).toEqual(forth);
      expect(collect(Float32Array.of(...a, ...b))).toEqual(forth);
    }),
  );
});

test.each([NaN, Infinity, -Infinity])('%s names the value', (bad) => {
  expect(() => collect(Float32Array.of(1, bad), Float32Array.of(2))).toThrow(
    /^observe: "x" takes NaN or infinite values/,
  );
});

test('no data at all is an error', () => {
  expect(() => collect()).toThrow(/"x" was never seen/);
});

test('ranges: all of it, without the outermost, with the least error', () => {
  const bulk = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i));
  bulk[7] = 1000;
  const seen = collect(bulk);
  expect(activationRange(seen, 'min-max', 8)).toEqual({ low: seen.min, high: 1000 });
  const percentile = activationRange(seen, 'percentile', 8);
  expect(percentile.low).toBeGreaterThanOrEqual(-1);
  expect(percentile.high).toBeLessThan(1.5);
  expect(activationRange(collect(bulk.map((x) => Math.min(x, 1))), 'mse', 8).high).toBeCloseTo(1, 1);
  expect(quantileRange(seen, 1).high).toBe(1000);
});
