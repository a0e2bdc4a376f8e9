import fc from 'fast-check';
import { cubicSparsity } from './cubic-sparsity.ts';

/** Golden G17: what movement pruning keeps, 1 → 0.15 in 10,000 steps, warm-up 500, cool-down twice that. */
test.each([
  [0, 1],
  [1000, 0.858651],
  [5000, 0.238581],
  [9000, 0.15],
])('at step %d it keeps %d', (step, kept) => {
  const sparsity = cubicSparsity(step, { steps: 10_000, final: 0.85, warmUp: 500, coolDown: 1000 });
  expect(1 - sparsity).toBeCloseTo(kept, 6);
});

test('it rises from the first sparsity to the last and never falls', () => {
  const whole = fc.integer({ min: 0, max: 40 });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(whole, whole, whole, share, share, (warmUp, coolDown, rise, a, b) => {
      const [initial, final] = [Math.min(a, b), Math.max(a, b)];
      const options = { steps: warmUp + rise + coolDown, initial, final, warmUp, coolDown };
      const course = Array.from({ length: options.steps + 1 }, (_, step) => cubicSparsity(step, options));
      expect(course[0]).toBeCloseTo(rise + warmUp > 0 ? initial : final, 12);
      expect(course.at(-1)).toBe(final);
      expect(course.every((sparsity, i) => i === 0 || sparsity >= course[i - 1]! - 1e-12)).toBe(true);
    }),
  );
});

test('a warm-up and a cool-down longer than the training are refused', () => {
  expect(() => cubicSparsity(0, { steps: 10, final: 0.5, warmUp: 6, coolDown: 5 })).toThrow(
    'prune: warmUp and coolDown must fit in 10 steps, got 6 and 5',
  );
});
