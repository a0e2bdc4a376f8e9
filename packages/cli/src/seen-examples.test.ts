import type { Dataset, Graph } from '@cq/core';
import { seenExamples } from './seen-examples.ts';

/** Told of `[label, answer]` pairs. */
function told(classes: number, pairs: readonly (readonly [label: number, answer: number])[]) {
  const labels = Array.from({ length: classes }, (_, i) => `class ${i}`);
  const seen = seenExamples({ metadata: { labels } } as unknown as Graph);
  for (const [index, [label, answer]] of pairs.entries()) {
    seen.add({ index, label, logits: Float32Array.from({ length: classes }, (_, i) => (i === answer ? 9 : 0)) });
  }
  return seen;
}

const pairs = [[0, 0], [1, 2], [1, 2], [2, 0]] as const; // prettier-ignore

test('of few classes there is a confusion matrix, of many the most frequent mistakes', () => {
  expect(told(3, pairs).confusion()).toEqual({
    classes: ['class 0', 'class 1', 'class 2'],
    counts: [
      [1, 0, 0],
      [0, 0, 2],
      [1, 0, 0],
    ],
  });
  const many = told(30, pairs);
  expect(many.confusion()).toBeUndefined();
  expect(many.mistakes()).toEqual([
    { label: 'class 1', said: 'class 2', count: 2 },
    { label: 'class 2', said: 'class 0', count: 1 },
  ]);
});

test('answers are counted by their probability, right and wrong ones', () => {
  const { right, wrong } = told(3, pairs).sureness();
  expect([right.at(-1), wrong.at(-1)]).toEqual([1, 3]);
  expect([...right, ...wrong].reduce((sum, count) => sum + count)).toBe(pairs.length);
});

test('the worst are those whose labels got the least', async () => {
  const worst = await told(3, pairs).worst({} as Dataset);
  expect(worst.map(({ label }) => label)).toEqual(['class 1', 'class 1', 'class 2', 'class 0']);
  expect(worst[0]).toMatchObject({ after: { name: 'class 2' } });
  expect(worst[0]!.before).toBeUndefined();
});
