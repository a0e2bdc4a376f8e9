import fc from 'fast-check';
import { nearness, type Answers } from './nearness.ts';

const answers = (...logits: readonly (readonly number[])[]): Answers => ({
  inputs: {},
  logits: logits.map((row) => Float32Array.from(row)),
});

test('what is lost is what the float model gives its own answer more than the other one', () => {
  const float = answers([Math.log(0.6), Math.log(0.3), Math.log(0.1)], [0, 5, 0]);
  const other = answers([0, 1, 0], [0, 5, 0]); // the first answer changed to the second class
  const { drop, agreement } = nearness(float, other);
  expect(agreement).toBe(0.5);
  expect(drop).toBeCloseTo(0.15 + 0.15, 6); // the mean of 0.3 and 0, and one standard error of it
});

test('equal answers lose nothing, others something', () => {
  const logits = fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(fc.tuple(logits, logits), { minLength: 2, maxLength: 8 }), (pairs) => {
      const [float, other] = [answers(...pairs.map(([a]) => a)), answers(...pairs.map(([, b]) => b))];
      expect(nearness(float, float).drop).toBe(0);
      const { drop, agreement } = nearness(float, other);
      expect(drop).toBeGreaterThanOrEqual(0);
      if (agreement === 1) expect(drop).toBe(0);
    }),
  );
});
