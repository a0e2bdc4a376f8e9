import fc from 'fast-check';
import { reciprocalRoot, roundHalfEven, roundShift, shareOf, shifted } from '@cq/core/runtime';
import { toJavaScript } from '../testing/to-javascript.ts';
import { shift } from './shift.ts';
import { uint64 } from './uint64.ts';

type Word64 = [high: number, low: number];

const glsl = toJavaScript<{
  roundShifted(v: number, e: number): number;
  roundSum(a: number, ae: number, b: number, be: number): number;
  reciprocalRoot(v: Word64): Word64;
  quotientOf(e: number, f: number, total: number, top: number): number;
  leastOf(total: number, boundary: number): number;
  shiftNormalised(x: number, reciprocal: number, p: number, gamma: number, beta: number, gainBits: number): number;
}>(uint64 + shift);

const integer = fc.oneof(
  fc.integer(),
  fc.integer({ min: -99, max: 99 }),
  fc.nat(31).map((n) => (2 ** n) | 0),
);
const exponent = fc.oneof(fc.integer({ min: -128, max: 128 }), fc.integer({ min: -40, max: 5 }));
const saturated = (value: number): number => Math.max(-(2 ** 30), Math.min(2 ** 30, value)) | 0;
const options = { numRuns: 5000 };

test('an integer times a power of two is that of the definition', () => {
  fc.assert(
    fc.property(integer, exponent, (v, e) => {
      expect(glsl.roundShifted(v >>> 0, 1200 + e) | 0).toBe(saturated(roundShift(v, -e)));
    }),
    options,
  );
});

test('a sum of two is a float64 before it is rounded', () => {
  fc.assert(
    fc.property(integer, exponent, integer, exponent, (a, p, b, q) => {
      const wanted = saturated(roundHalfEven(shifted(a, p, 0) + shifted(b, q, 0)));
      expect(glsl.roundSum(a >>> 0, 1200 + p, b >>> 0, 1200 + q) | 0).toBe(wanted);
    }),
    options,
  );
});

test('the reciprocal of a root, a share and its bound are those of the definition', () => {
  const value = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(999),
    fc.nat(52).map((n) => 2 ** n),
  );
  fc.assert(
    fc.property(value, (v) => {
      const [reciprocal, p] = glsl.reciprocalRoot([Math.floor(v / 2 ** 32), (v % 2 ** 32) >>> 0]);
      const wanted = reciprocalRoot(v);
      expect(reciprocal).toBe(wanted.reciprocal);
      if (v > 0) expect(30 - p).toBe(wanted.shift);
    }),
    options,
  );
  const total = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(
      fc.nat(2 ** 24),
      fc.nat(24),
      fc.oneof(
        total,
        fc.nat(98).map((n) => n + 1),
      ),
      (e, f, total) => {
        for (const top of [1, 15, 255]) {
          expect(glsl.quotientOf(e, f, total, top)).toBe(Math.min(roundHalfEven((e * 2 ** f) / total), top));
        }
      },
    ),
    options,
  );
  fc.assert(
    fc.property(total, total, (total, boundary) =>
      expect(glsl.leastOf(total, boundary)).toBe(shareOf(total, boundary)),
    ),
    options,
  );
});

test('a normalised value is that of the definition', () => {
  const [x, gamma] = [fc.integer({ min: -(2 ** 27), max: 2 ** 27 }), fc.integer({ min: -(2 ** 25), max: 2 ** 25 })];
  fc.assert(
    fc.property(
      x,
      fc.nat(2 ** 25),
      fc.nat(25),
      gamma,
      integer,
      fc.nat(30),
      (x, reciprocal, p, gamma, beta, gainBits) => {
        const normalised = roundHalfEven(x * reciprocal * 2 ** (p - 30));
        fc.pre(Math.abs(normalised) < 2 ** 26); // √C · 2^20
        const wanted = roundHalfEven((normalised * gamma + beta * 2 ** 20) * 2 ** -(20 + gainBits));
        expect(glsl.shiftNormalised(x >>> 0, reciprocal, p, gamma >>> 0, beta >>> 0, gainBits) | 0).toBe(
          saturated(wanted),
        );
      },
    ),
    options,
  );
});
