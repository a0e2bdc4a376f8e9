import fc from 'fast-check';
import { toJavaScript } from '../testing/to-javascript.ts';
import { float32 } from './float32.ts';
import { float64 } from './float64.ts';
import { uint64 } from './uint64.ts';
import { splitDouble } from './split-double.ts';

type Word64 = [high: number, low: number];

const glsl = toJavaScript<{
  mul32(a: number, b: number): Word64;
  add64(a: Word64, b: Word64): Word64;
  sub64(a: Word64, b: Word64): Word64;
  shl64(a: Word64, n: number): Word64;
  shr64(a: Word64, n: number): Word64;
  shrEven64(a: Word64, n: number): Word64;
  highest64(a: Word64): number;
  floatOf(i: number): number;
  mulFloat(a: number, b: number): number;
  addFloat(a: number, b: number): number;
  divFloat(a: number, b: number): number;
  roundFloat(f: number): number;
  atLeast(a: number, b: number): boolean;
  inverseRoot(t: Word64, m: Word64, e: number): number;
}>(uint64 + float32 + float64);

const { fround } = Math;
const view = new DataView(new ArrayBuffer(4));
const bitsOf = (value: number): number => {
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  return Number.isNaN(value) ? 0x7fc00000 : bits;
};
const valueOf = (bits: number): number => {
  view.setUint32(0, bits);
  return view.getFloat32(0);
};
const wide = ([high, low]: Word64): bigint => (BigInt(high) << 32n) | BigInt(low);
const split = (value: bigint): Word64 => [Number(value >> 32n) >>> 0, Number(value & 0xffffffffn)];

const word = fc.oneof(
  fc.nat(0xffffffff),
  fc.nat(31).map((n) => 2 ** n),
  fc.constantFrom(0, 1, 0xffff, 0x10000, 0xffffffff),
);
const words = fc.tuple(word, word) as fc.Arbitrary<Word64>;
const shift = fc.nat(63);
/** Any bits: numbers of all sizes, subnormal ones, infinities and NaN. */
const float = fc.oneof(word, fc.float({ noNaN: true }).map(bitsOf), fc.integer({ min: -99, max: 99 }).map(bitsOf));

const check = <T extends unknown[]>(
  ...parameters: [...{ [K in keyof T]: fc.Arbitrary<T[K]> }, (...values: T) => void]
) =>
  fc.assert(fc.property(...(parameters as unknown as [fc.Arbitrary<T[0]>, (value: T[0]) => void])), { numRuns: 5000 });

test('64-bit integers in two words are those of BigInt', () => {
  const modulo = (value: bigint) => BigInt.asUintN(64, value);
  check(word, word, (a: number, b: number) => expect(wide(glsl.mul32(a, b))).toBe(BigInt(a) * BigInt(b)));
  check(words, words, shift, (a: Word64, b: Word64, n: number) => {
    expect(wide(glsl.add64(a, b))).toBe(modulo(wide(a) + wide(b)));
    expect(wide(glsl.sub64(a, b))).toBe(modulo(wide(a) - wide(b)));
    expect(wide(glsl.shl64(a, n))).toBe(modulo(wide(a) << BigInt(n)));
    expect(wide(glsl.shr64(a, n))).toBe(wide(a) >> BigInt(n));
    if (wide(a) > 0n) expect(glsl.highest64(a)).toBe(wide(a).toString(2).length - 1);
  });
});

test('products, sums and quotients of floats have the bits that Math.fround gives', () => {
  check(float, float, (a: number, b: number) => {
    expect(glsl.mulFloat(a, b)).toBe(bitsOf(fround(valueOf(a) * valueOf(b))));
    expect(glsl.addFloat(a, b)).toBe(bitsOf(fround(valueOf(a) + valueOf(b))));
    expect(glsl.atLeast(a, b)).toBe(valueOf(a) >= valueOf(b));
    const divisor = valueOf(b & 0x7fffffff);
    if (divisor > 0 && divisor < Infinity) {
      expect(glsl.divFloat(a, b & 0x7fffffff)).toBe(bitsOf(fround(valueOf(a) / divisor)));
    }
  });
});

test('an int32 becomes the nearest float', () => {
  check(word, (i: number) => expect(glsl.floatOf(i)).toBe(bitsOf(fround(i | 0))));
});

test('a float becomes the nearest integer, halves the even one', () => {
  const halves = fc.integer({ min: -(2 ** 22), max: 2 ** 22 }).map((n) => bitsOf(n / 2));
  check(fc.oneof(float, halves), (f: number) => {
    const value = valueOf(f);
    if (Number.isNaN(value)) return;
    const even = Math.abs(value) < 2 ** 51 ? value + 1.5 * 2 ** 52 - 1.5 * 2 ** 52 : value;
    const code = Math.max(-(2 ** 30), Math.min(2 ** 30, even));
    expect(glsl.roundFloat(f) | 0).toBe(code | 0);
  });
});

test('the norm of a row is the float64 chain of its definition', () => {
  const total = fc.oneof(
    fc.bigInt(0n, 2n ** 52n),
    fc.bigInt(0n, 5000n),
    fc.nat(52).map((n) => 2n ** BigInt(n)),
  );
  const offset = fc.oneof(
    fc.double({ min: 0, max: 2 ** 60, noNaN: true }),
    fc.constantFrom(0, 1e-12, 1, 2 ** 52 + 1, Infinity, 5e-324, 2 ** -53),
    fc.integer({ min: -60, max: 60 }).map((n) => 2 ** n),
    fc.bigInt(0n, 2n ** 53n).map(Number),
  );
  check(total, offset, (t: bigint, o: number) => {
    const d = Math.sqrt(Number(t) + o);
    const { mantissa, exponent } = splitDouble(o);
    expect(glsl.inverseRoot(split(t), [...mantissa], exponent)).toBe(bitsOf(d === 0 ? 0 : fround(1 / d)));
  });
});
