import fc from 'fast-check';
import { maskAt } from './mask-at.ts';

const score = fc.float({ noNaN: true });
const scores = fc.array(score, { minLength: 1, maxLength: 60 }).map((values) => Float32Array.from(values));
const sparsity = fc.double({ min: 0, max: 1, noNaN: true });
const zeros = (mask: Float32Array): number => mask.filter((value) => value === 0).length;

test('drops as many as the sparsity says, but the last one only at 1', () => {
  fc.assert(
    fc.property(scores, sparsity, (values, share) => {
      const mask = maskAt(values, share);
      const rounded = Math.round(share * values.length);
      expect(zeros(mask)).toBe(share < 1 ? Math.min(rounded, values.length - 1) : values.length);
      expect(mask.every((value) => value === 0 || value === 1)).toBe(true);
    }),
  );
});

test('what is dropped scores no higher than what is kept', () => {
  fc.assert(
    fc.property(scores, sparsity, (values, share) => {
      const mask = maskAt(values, share);
      const dropped = values.filter((_, i) => mask[i] === 0);
      const kept = values.filter((_, i) => mask[i] === 1);
      expect(Math.max(...dropped, -Infinity)).toBeLessThanOrEqual(Math.min(...kept, Infinity));
    }),
  );
});

test('a mask of higher sparsity drops all that one of lower sparsity does', () => {
  fc.assert(
    fc.property(scores, sparsity, sparsity, (values, a, b) => {
      const [less, more] = [maskAt(values, Math.min(a, b)), maskAt(values, Math.max(a, b))];
      expect(more.every((value, i) => value === 0 || less[i] === 1)).toBe(true);
    }),
  );
});

test('of equal scores the first goes, and −∞ before all', () => {
  expect([...maskAt(Float32Array.of(1, 1, 1, 1), 0.5)]).toEqual([0, 0, 1, 1]);
  expect([...maskAt(Float32Array.of(0, 0, -Infinity, 0), 0.25)]).toEqual([1, 1, 0, 1]);
});

test('nonsense is refused', () => {
  expect(() => maskAt(Float32Array.of(1), 1.5)).toThrow('prune: sparsity must be in [0, 1], got 1.5');
  expect(() => maskAt(Float32Array.of(1), NaN)).toThrow('got NaN');
  expect(() => maskAt(Float32Array.of(1, NaN), 0.5)).toThrow('prune: a score must be a number, got NaN');
});
