import fc from 'fast-check';
import { centres, magnitudes, shiftedBy } from './channel-extremes.ts';
import { scalesAt, smoothScales, thresholdScales } from './channel-scales.ts';

const rounded = (values: Float64Array): number[] => Array.from(values, (value) => Number(value.toFixed(6)));

// Golden G18.
test('at strength 0.5 the largest values of both sides become equal', () => {
  const [activations, weights] = [Float64Array.of(8, 1, 0.5, 2), Float64Array.of(0.5, 0.5, 1, 0.25)];
  const scales = smoothScales(activations, weights, 0.5);
  expect(rounded(scales)).toEqual([4, 1.414214, 0.707107, 2.828427]);
  expect(rounded(activations.map((size, c) => size / scales[c]!))).toEqual([2, 0.707107, 0.707107, 0.707107]);
  expect(rounded(weights.map((size, c) => size * scales[c]!))).toEqual([2, 0.707107, 0.707107, 0.707107]);
});

// Golden G24.
test('a threshold touches only the channels that go beyond it, after they were centred', () => {
  const seen = { max: Float64Array.of(6, 1, 0.5), min: Float64Array.of(2, -1, -4) };
  const shifts = centres(seen);
  expect([...shifts]).toEqual([4, 0, -1.75]);
  const centred = shiftedBy(seen, shifts);
  expect([...magnitudes(centred)]).toEqual([2, 1, 2.25]);
  expect(rounded(thresholdScales(centred, 1.5))).toEqual([1.333333, 1, 1.5]);
});

test('scales are positive and finite, constant and all-zero channels included', () => {
  const size = fc.oneof(fc.constant(0), fc.double({ min: 1e-30, max: 1e30, noNaN: true }));
  const method = fc.constantFrom('smooth' as const, 'threshold' as const);
  const channel = fc.record({ low: size, high: size, other: size });
  const strength = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(method, strength, fc.array(channel, { minLength: 1, maxLength: 9 }), (chosen, at, channels) => {
      const extremes = {
        min: Float64Array.from(channels, ({ low }) => -low),
        max: Float64Array.from(channels, ({ high }) => high),
      };
      const others = Float64Array.from(channels, ({ other }) => other);
      for (const scale of scalesAt(chosen, at, extremes, others)) {
        expect(scale).toBeGreaterThan(0);
        expect(Number.isFinite(scale)).toBe(true);
      }
    }),
  );
});
