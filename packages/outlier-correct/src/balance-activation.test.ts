import fc from 'fast-check';
import { groupedScales } from './balance-activation.ts';

const scales = (size: number): fc.Arbitrary<Float64Array> =>
  fc.float64Array({ minLength: size, maxLength: size, min: 1e-3, max: 1e3, noNaN: true });

test('channels of alike scales share one, in equal groups that kernels settle together; the product of all stays', () => {
  const sizes = fc.constantFrom([16, 2], [48, 2], [32, 4], [64, 8], [192, 8]);
  fc.assert(
    fc.property(
      sizes.chain(([size, groups]) => fc.tuple(scales(size!), fc.constant(groups!))),
      ([given, groups]) => {
        const grouped = groupedScales(given)!;
        const order = [...given.keys()].sort((a, b) => given[a]! - given[b]! || a - b);
        const size = given.length / groups;
        const logarithm = (values: Float64Array): number => values.reduce((sum, scale) => sum + Math.log(scale), 0);
        expect(logarithm(grouped)).toBeCloseTo(logarithm(given), 6);
        for (const [place, channel] of order.entries()) {
          expect(grouped[channel]).toBe(grouped[order[place - (place % size)]!]);
          if (place > 0) expect(grouped[channel]).toBeGreaterThanOrEqual(grouped[order[place - 1]!]! * (1 - 1e-12));
        }
      },
    ),
  );
});

test('channels that do not come in two groups of eight have no such scales', () => {
  for (const size of [8, 12, 24, 100]) expect(groupedScales(new Float64Array(size).fill(2))).toBeUndefined();
});
