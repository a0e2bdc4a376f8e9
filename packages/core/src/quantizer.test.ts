import fc from 'fast-check';
import { asymmetric, decode, encode, quantizers, symmetric, unsigned, type Quantizer } from './index.ts';

const x = Float32Array.of(-1.2, -0.3, 0, 0.4, 0.85, 2.0);

// Asymmetric codes over [min, max] with 4 bits (golden G1, there from 0; signed codes stand 8 lower).
test('golden: asymmetric, 4 bits', () => {
  const quantizer = asymmetric(4, -1.2, 2.0);
  expect(quantizer.scale[0]).toBeCloseTo(0.2133333, 6);
  expect([...encode(x, [6], quantizer)].map((code) => code + 8)).toEqual([0, 5, 6, 8, 10, 15]);
  const decoded = [...decode(encode(x, [6], quantizer), [6], quantizer)];
  [-1.28, -0.213333, 0, 0.426667, 0.853333, 1.92].forEach((value, i) => expect(decoded[i]).toBeCloseTo(value, 5));
});

test('halves go to the even code, NaN to the code of zero, infinities to the ends', () => {
  const quantizer = symmetric(8, [127]);
  expect([...encode(Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, NaN, Infinity, -Infinity), [8], quantizer)]).toEqual([
    0, 2, 2, 0, -2, 0, 127, -128,
  ]);
});

test('b bits are 2^b codes, zero included', () => {
  const probabilities = unsigned(3, 1);
  const codes = encode(
    Float32Array.from({ length: 1001 }, (_, i) => i / 1000),
    [1001],
    probabilities,
  );
  expect(new Set(codes).size).toBe(8);
  expect(quantizers.uniform.levels(probabilities)).toBe(8);
});

test('scales per channel run along their axis', () => {
  const quantizer = symmetric(8, [127, 254], 1);
  expect([...encode(Float32Array.of(10, 10, -4, -4), [2, 2], quantizer)]).toEqual([10, 5, -4, -2]);
  expect(() => encode(new Float32Array(3), [1, 3], quantizer)).toThrow(/2 scales along axis 1 of \[1, 3\], needs 3/);
});

const anyQuantizer: fc.Arbitrary<Quantizer> = fc
  .record({
    bits: fc.integer({ min: 2, max: 16 }),
    low: fc.float({ min: -1e4, max: 0, noNaN: true }),
    high: fc.float({ min: 0, max: 1e4, noNaN: true }),
  })
  .map(({ bits, low, high }) => asymmetric(bits, low, high));

test('a level encodes to its own code, and the error within the range is at most half a step', () => {
  fc.assert(
    fc.property(anyQuantizer, fc.float({ min: 0, max: 1, noNaN: true }), (quantizer, t) => {
      const { scale, zeroPoint, bits } = quantizer;
      const [low, high] = [-(2 ** (bits - 1)) - zeroPoint[0]!, 2 ** (bits - 1) - 1 - zeroPoint[0]!].map(
        (c) => c * scale[0]!,
      );
      const value = Float32Array.of(low! + t * (high! - low!));
      const codes = encode(value, [1], quantizer);
      const levels = decode(codes, [1], quantizer);
      expect([...encode(levels, [1], quantizer)]).toEqual([...codes]);
      expect(Math.abs(levels[0]! - value[0]!)).toBeLessThanOrEqual(scale[0]! * (0.5 + 2 ** -6));
    }),
  );
});

test('zero always has a code of its own', () => {
  fc.assert(
    fc.property(anyQuantizer, (quantizer) => {
      const [zero] = decode(encode(Float32Array.of(0), [1], quantizer), [1], quantizer);
      expect(zero).toBe(0);
      expect(quantizers.uniform.hasZero(quantizer)).toBe(true);
    }),
  );
});
