import fc from 'fast-check';
import { packRows, rowBytes, unpackRows } from './bits.ts';

test('codes of so many bits come back as they were, and take no more than their bits', () => {
  const sizes = fc.record({
    ...{ rows: fc.integer({ min: 0, max: 5 }), columns: fc.integer({ min: 0, max: 40 }) },
    ...{ bits: fc.integer({ min: 1, max: 8 }), seed: fc.integer() },
  });
  fc.assert(
    fc.property(sizes, ({ rows, columns, bits, seed }) => {
      const half = 2 ** (bits - 1);
      const codes = Int8Array.from({ length: rows * columns }, (_, i) => {
        return (((i * 40_503 + seed) >>> 3) % (2 * half)) - half;
      });
      const packed = packRows(codes, columns, bits);
      expect(packed.length).toBe(rows * Math.ceil((columns * bits) / 8));
      expect(unpackRows(packed, columns, bits)).toEqual(codes);
    }),
    { numRuns: 300 },
  );
});

test('the first code lies in the lowest bits, and every row begins with a byte', () => {
  expect([...packRows([1, 2, 3, -1, -4, 0], 3, 3)]).toEqual([0b11_010_001, 0, 0b00_100_111, 0]);
  expect([...packRows([1, -2, 3, -4], 2, 4)]).toEqual([0xe1, 0xc3]);
  expect([...packRows([1, -2, 127, -128], 2, 8)]).toEqual([1, 254, 127, 128]);
});

test('384 codes of 3 bits take 144 bytes', () => {
  expect(rowBytes(384, 3)).toBe(144);
});
