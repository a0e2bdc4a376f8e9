import fc from 'fast-check';
import { paretoFront } from './pareto.ts';

type Point = readonly [cost: number, value: number];
const front = (points: readonly Point[]): Point[] =>
  paretoFront(
    points,
    ([cost]) => cost,
    ([, value]) => value,
  );
const better = ([a, v]: Point, [b, w]: Point): boolean => a <= b && v >= w && (a < b || v > w);

test('in order of cost, each worth more than the one before', () => {
  expect(front([[4, 0.8], [1, 0.7], [2, 0.6], [3, 0.8], [1, 0.5]])).toEqual([[1, 0.7], [3, 0.8]]); // prettier-ignore
});

test('nothing is better than what is on the front, and something at least as good as the rest is', () => {
  const point = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }));
  fc.assert(
    fc.property(fc.array(point, { minLength: 1 }), (points) => {
      const best = front(points);
      for (const kept of best) expect(points.some((other) => better(other, kept))).toBe(false);
      for (const [cost, value] of points) expect(best.some(([a, v]) => a <= cost && v >= value)).toBe(true);
    }),
  );
});
