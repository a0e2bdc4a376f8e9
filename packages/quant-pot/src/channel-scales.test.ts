import { channelCandidates, channelErrors, channelMaxima, channelScales, ensureVariance } from './channel-scales.ts';
import { indexOfLeast } from './tensor-scale.ts';

/** [tokens, channels]: each channel evenly spread up to its maximum. */
function spread(maxima: readonly number[], tokens = 401): Float32Array {
  return Float32Array.from({ length: tokens * maxima.length }, (_, i) => {
    const place = (2 * Math.floor(i / maxima.length)) / (tokens - 1) - 1;
    return place * maxima[i % maxima.length]!;
  });
}

const errorsOf = (candidates: readonly (readonly number[])[], data: Float32Array) =>
  channelErrors(candidates, 8, { data, channels: candidates.length });

const maximaOf = (data: Float32Array, channels: number) => channelMaxima('x', { data, channels });

test('golden G8: factors 1, 2, 4, 8 of a common scale for channels up to 0.5, 3.9, 7.9 and 40', () => {
  const maxima = [0.5, 3.9, 7.9, 40];
  const base = 40 / 127.5 / 8;
  const candidates = maxima.map(() => [base, 2 * base, 4 * base, 8 * base]);
  const { noise } = errorsOf(candidates, spread(maxima));
  expect(maxima.map((_, c) => indexOfLeast(noise.subarray(4 * c, 4 * c + 4)))).toEqual([0, 0, 1, 3]);
});

test('an exponent for each channel errs a hundred times less than one for all, if some are forty times larger', () => {
  const maxima = Array.from({ length: 64 }, (_, c) => (c % 16 === 3 ? 40 : 1));
  const values = spread(maxima);
  const candidates = channelCandidates('x', maximaOf(values, 64), 8, 'search');
  const relative = (list: readonly (readonly number[])[]): number => {
    const errors = errorsOf(list, values);
    const { chosen } = channelScales(list, errors, 8);
    return chosen.reduce((sum, k, c) => sum + errors.noise[4 * c + k]! / errors.signal[c]!, 0);
  };
  const shared = candidates.map(() => candidates[3]!);
  expect(relative(shared) / relative(candidates)).toBeGreaterThan(100);
});

test('exponents differ by no more than 16-bit sums have room for', () => {
  const values = spread([2 ** -10, 1, 2 ** 9]);
  const candidates = channelCandidates('x', maximaOf(values, 3), 8, 'search');
  const { scales } = channelScales(candidates, errorsOf(candidates, values), 8);
  expect(Math.log2(scales[2]! / scales[0]!)).toBe(8);
  expect(Math.log2(scales[2]! / scales[1]!)).toBe(8);
});

test('a channel of zeros has a scale too', () => {
  const values = spread([0, 1, 3]);
  const candidates = channelCandidates('x', maximaOf(values, 3), 8, 'nearest');
  expect(candidates.map(([scale]) => Math.log2(scale!))).toEqual([-29, -7, -5]);
  expect([...channelScales(candidates, errorsOf(candidates, values), 8).scales]).toEqual([2 ** -13, 2 ** -7, 2 ** -5]);
});

test('values that are not finite, all zero, or the same in every channel have no scales', () => {
  expect(() => maximaOf(Float32Array.of(1, NaN), 2)).toThrow('quantize-pot: "x" takes NaN or infinite values');
  expect(() => ensureVariance('x', { data: Float32Array.of(2, 2, 3, 3), channels: 2 })).toThrow(
    '"x": the σ of the LayerNorm behind it must be above 0 for some token, got 0 for all',
  );
  ensureVariance('x', { data: Float32Array.of(2, 2, 3, 4), channels: 2 });
  const zeros = maximaOf(new Float32Array(4), 2);
  expect(() => channelCandidates('x', zeros, 8, 'search')).toThrow(
    '"x": its largest magnitude must be a positive number, got 0',
  );
});
