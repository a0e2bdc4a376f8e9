import { rowSample } from './row-sample.ts';

test('of every example so many rows at most, evenly spaced, as a matrix', () => {
  const { start, update, finish } = rowSample(2);
  const values = Float32Array.from({ length: 2 * 6 * 3 }, (_, i) => i); // two examples of six rows, three channels
  const kept = update(update(start(), values, [2, 6, 3]), Float32Array.of(7, 8, 9), [1, 1, 3]);
  expect(finish(kept, 'x')).toEqual({
    data: Float32Array.of(0, 1, 2, 9, 10, 11, 18, 19, 20, 27, 28, 29, 7, 8, 9),
    channels: 3,
  });
});
