import { isHit, topClass } from './accuracy.ts';

test('the largest logit wins, of equal ones the first', () => {
  expect(topClass([0.5, 2, 1])).toBe(1);
  expect(topClass([3, 3, 3])).toBe(0);
  expect(isHit([3, 3, 1], 0)).toBe(true);
  expect(isHit([3, 3, 1], 1)).toBe(false);
});

test('top-k counts how many classes stand above the label', () => {
  const logits = [5, 4, 3, 2, 1];
  expect([1, 2, 3, 4, 5].map((k) => isHit(logits, 2, k))).toEqual([false, false, true, true, true]);
});

test('top-1 is what topClass says, for every label', () => {
  const logits = Float32Array.of(-1, 7, 7, 0, -Infinity);
  for (let label = 0; label < logits.length; label++) expect(isHit(logits, label)).toBe(topClass(logits) === label);
});

test('NaN never helps', () => {
  expect(isHit([NaN, NaN], 0)).toBe(false);
  expect(isHit([1, NaN], 0)).toBe(false);
  expect(isHit([1, NaN], 0, 2)).toBe(true);
});

test('a label that no class has is a miss', () => {
  expect(isHit([1, 2], 2, 5)).toBe(false);
});
