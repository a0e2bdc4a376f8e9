import * as fc from 'fast-check';
import { agreementCounter, klDivergence, logSumExp } from './agreement.ts';

const logits = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 3, maxLength: 3 });

test('KL of a distribution and itself is 0, whatever is added to the logits', () => {
  fc.assert(
    fc.property(logits, fc.double({ min: -100, max: 100, noNaN: true }), (values, shift) => {
      expect(
        klDivergence(
          values,
          values.map((value) => value + shift),
        ),
      ).toBeCloseTo(0, 9);
    }),
  );
});

test('KL is never negative', () => {
  fc.assert(fc.property(logits, logits, (p, q) => klDivergence(p, q) >= 0));
});

test('KL of two coins by hand', () => {
  const p = [Math.log(0.75), Math.log(0.25)];
  const q = [Math.log(0.5), Math.log(0.5)];
  expect(klDivergence(p, q)).toBeCloseTo(0.75 * Math.log(1.5) + 0.25 * Math.log(0.5), 12);
});

test('large logits do not overflow', () => {
  expect(logSumExp([1000, 1000])).toBeCloseTo(1000 + Math.log(2), 9);
  expect(logSumExp([-1000, -1000])).toBeCloseTo(-1000 + Math.log(2), 9);
  expect(klDivergence([1e4, 0], [0, 1e4])).toBeCloseTo(1e4, 6);
});

test('agreement is a mean over pairs', () => {
  const counter = agreementCounter();
  counter.add([1, 0], [1, 0]);
  counter.add([1, 0], [0, 1]);
  const { agreement, kl } = counter.result();
  expect(agreement).toBe(0.5);
  expect(kl).toBeCloseTo(klDivergence([1, 0], [0, 1]) / 2, 12);
});

test('models of different classes cannot agree', () => {
  expect(() => klDivergence([1, 2], [1, 2, 3])).toThrow('as many classes, got 2 and 3');
});

test('NaN on either side shows', () => {
  expect(klDivergence([NaN, 0], [0, 0])).toBeNaN();
  expect(klDivergence([0, 0], [NaN, 0])).toBeNaN();
});
