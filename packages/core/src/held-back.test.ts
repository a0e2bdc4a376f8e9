import { heldBack } from './held-back.ts';

test('held-back examples are none of those that anything is fitted on', () => {
  const { used, held } = heldBack(128, 8);
  expect(held).toEqual([8, 24, 40, 56, 72, 88, 104, 120]);
  expect([...used, ...held].sort((a, b) => a - b)).toEqual(Array.from({ length: 128 }, (_, i) => i));
});

test('at least one is held back and at least one used', () => {
  expect(heldBack(2, 8)).toEqual({ used: [0], held: [1] });
  expect(heldBack(1, 8)).toEqual({ used: [0], held: [0] });
});
