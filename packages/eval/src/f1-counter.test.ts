import { f1Counter } from './f1-counter.ts';

test('F1 of the classes, their mean, and the mean by examples', () => {
  const counter = f1Counter();
  const confusion = [
    [3, 1, 0],
    [2, 2, 0],
    [0, 2, 0],
  ];
  confusion.forEach((row, label) =>
    row.forEach((count, answer) => {
      for (let i = 0; i < count; i++) counter.add(label, answer);
    }),
  );
  const [a, b] = [(2 * 3) / (4 + 5), (2 * 2) / (4 + 5)];
  expect(counter.result().macroF1).toBeCloseTo((a + b) / 3, 12);
  expect(counter.result().weightedF1).toBeCloseTo((4 * a + 4 * b) / 10, 12);
});

test('a class that nobody has and nobody answers does not count', () => {
  const counter = f1Counter();
  counter.add(4, 4);
  expect(counter.result()).toEqual({ macroF1: 1, weightedF1: 1 });
});
