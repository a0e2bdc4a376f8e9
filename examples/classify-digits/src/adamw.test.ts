import { adamW } from './adamw.ts';

test('the first step is the learning rate, against the sign of the gradient', () => {
  const values = new Map([['w', Float32Array.of(1, 1)]]);
  adamW(values, 0, () => true).step(new Map([['w', Float32Array.of(5, -0.01)]]), 0.1);
  expect(values.get('w')![0]).toBeCloseTo(0.9, 5);
  expect(values.get('w')![1]).toBeCloseTo(1.1, 5);
});

test('weight decay takes its share of a matrix and leaves a bias', () => {
  const values = new Map([
    ['w', Float32Array.of(1)],
    ['b', Float32Array.of(1)],
  ]);
  const none = new Map([...values.keys()].map((name) => [name, Float32Array.of(0)] as const));
  adamW(values, 0.5, (name) => name === 'w').step(none, 0.1);
  expect([...values.values()].map(([value]) => value)).toEqual([expect.closeTo(0.95, 6), 1]);
});
