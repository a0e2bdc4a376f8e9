import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  addTokens,
  build,
  finishGram,
  gram,
  observe,
  observeGrams,
  startGram,
  tokenWeights,
  type Batch,
  type Dataset,
  type Gram,
} from './index.ts';

beforeAll(() => tf.setBackend('cpu'));

/** Σ_t λ_t left[t, i] · right[t, j], as it is written. */
function products(left: readonly number[][], right: readonly number[][], weights: ArrayLike<number>): number[] {
  const [rows, columns] = [left[0]!.length, right[0]!.length];
  const sums = new Array<number>(rows * columns).fill(0);
  left.forEach((x, t) =>
    x.forEach((a, i) => right[t]!.forEach((b, j) => (sums[i * columns + j]! += weights[t]! * a * b))),
  );
  return sums;
}

const rows = (values: Float32Array, channels: number): number[][] =>
  Array.from({ length: values.length / channels }, (_, t) => [...values.subarray(t * channels, (t + 1) * channels)]);

const close = (actual: ArrayLike<number>, expected: readonly number[]): void => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 5));
};

/** The sums of products are float32 where they begin: off by no more than rounding is of the sum of their magnitudes. */
function near(
  actual: Float64Array,
  left: readonly number[][],
  right: readonly number[][],
  weights: Float64Array,
): void {
  const magnitudes = (values: readonly number[][]): number[][] => values.map((row) => row.map(Math.abs));
  const sizes = products(magnitudes(left), magnitudes(right), weights);
  products(left, right, weights).forEach((sum, i) => {
    expect(Math.abs(actual[i]! - sum)).toBeLessThanOrEqual(2 ** -20 * sizes[i]! + 1e-30);
  });
}

const tokens = fc
  .record({ channels: fc.integer({ min: 1, max: 9 }), count: fc.integer({ min: 1, max: 150 }) })
  .chain(({ channels, count }) => {
    const values = fc.float32Array({
      min: -4,
      max: 4,
      noNaN: true,
      minLength: channels * count,
      maxLength: channels * count,
    });
    return fc.record({ channels: fc.constant(channels), quantized: values, float: values, ones: fc.boolean() });
  });

test('equals the sums as they are written, whatever the sizes and however the tokens are divided', () => {
  fc.assert(
    fc.property(tokens, fc.integer({ min: 0, max: 150 }), ({ channels, quantized, float, ones }, cut) => {
      const sum = startGram(channels, { ones, cross: true });
      const at = channels * Math.min(cut, quantized.length / channels);
      addTokens(sum, quantized.subarray(0, at), { float: float.subarray(0, at) });
      addTokens(sum, quantized.subarray(at), { float: float.subarray(at) });
      const found = finishGram(sum, 'x');
      const x = rows(quantized, channels).map((row) => (ones ? [...row, 1] : row));
      const weights = new Float64Array(x.length).fill(1);
      near(found.matrix, x, x, weights);
      near(found.cross!, rows(float, channels), x, weights);
      expect(found).toMatchObject({ size: channels + (ones ? 1 : 0), tokens: x.length });
    }),
    { numRuns: 60 },
  );
});

// Golden G25.
test('golden: token weights', () => {
  close(tokenWeights(Float32Array.of(1, 1, 4, 0, 0.5, 0.5), 2), [0.585366, 0.073171, 2.341463]);
  expect([...tokenWeights(Float32Array.of(0, 0, 3, 4), 2)]).toEqual([0, 1]);
});

/** One input `x`, [1, channels] an example. */
const dataset = (values: Float32Array, channels: number): Dataset => ({
  name: 'test',
  size: values.length / channels,
  async *batches(
    batchSize,
    indices = Array.from({ length: values.length / channels }, (_, i) => i),
  ): AsyncIterable<Batch> {
    for (let start = 0; start < indices.length; start += batchSize) {
      const chosen = indices.slice(start, start + batchSize);
      const data = Float32Array.from(chosen.flatMap((i) => [...values.subarray(i * channels, (i + 1) * channels)]));
      yield { inputs: { x: { dtype: 'float32', shape: [chosen.length, channels], data } } };
    }
  },
});

const relu = (factor: number) => {
  const b = build();
  const x = b.input('x', 'float32', [-1, 3]);
  const scaled = b.node('scaled', 'Mul', [x, b.weight('factor', [], Float32Array.of(factor))]);
  b.output('y', b.node('r', 'Relu', [scaled]), [-1, 3]);
  return b.graph();
};

test('one sweep gathers what two graphs feed a layer, weighted by the float one', async () => {
  const values = Float32Array.of(1, -2, 3, 0.5, 4, -1, 2, 2, 2, 0.25, 1, 1);
  const before = tf.memory().numTensors;
  const source = (factor: number) => ({ graph: relu(factor), data: dataset(values, 3) });
  const options = { weighted: true, batchSize: 3 };
  const found = (await observeGrams(source(2), source(1), [{ quantized: 'r' }], options)).get('r')!;
  expect(tf.memory().numTensors).toBe(before);
  const float = values.map((x) => Math.max(0, x));
  const x = rows(
    float.map((value) => 2 * value),
    3,
  );
  const weights = tokenWeights(float, 3);
  close(found.matrix, products(x, x, weights));
  close(found.cross!, products(rows(float, 3), x, weights));

  const alone = await observe(relu(1), ['r'], gram({ weighted: true }), dataset(values, 3));
  close((alone.get('r') as Gram).matrix, products(rows(float, 3), rows(float, 3), weights));
});

test('a value that was never seen, or is not finite, is named', () => {
  expect(() => finishGram(startGram(2), 'v')).toThrow('gram: "v" was never seen');
  const sum = startGram(2);
  addTokens(sum, Float32Array.of(1, NaN));
  expect(() => finishGram(sum, 'v')).toThrow('gram: "v" takes NaN or infinite values');
});
