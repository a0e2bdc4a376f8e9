import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import '@cq/backend-wasm/register';
import { asymmetric, codebook, fakeQuantize, onLevels, symmetric, unsigned, type StoredQuantizer } from '@cq/core';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';

beforeAll(() => tf.setBackend('wasm'));

const scale = Float32Array.of(0.9);
const quantizers: Readonly<Record<string, StoredQuantizer>> = {
  asymmetric: asymmetric(3, -3, 700),
  unsigned: unsigned(5, 1),
  'per channel': symmetric(8, [1, 20, 300, 0.1, 7], 1),
  'in groups': { ...symmetric(4, [1, 20, 300, 2, 5, 6, 7, 8, 9, 10], 1), group: 3 },
  log2: { kind: 'log2', bits: 4, base: 1, scale },
  'log2 per row': { kind: 'log2', bits: 3, base: 2, scale: Float32Array.of(1, 0.5, 3, 8), axis: 0 },
  'uniform-log2': { kind: 'uniform-log2', bits: 3, base: 2, lower: 0.5, truncation: 7, scale },
  codebook: codebook([-3, -1, -0.2, 0, 0.1, 5, 100], 0.7),
};

const shape = [4, 5];
const value = fc.oneof(fc.float({ min: -2, max: 2, noNaN: true }), fc.float({ min: -1e3, max: 1e3, noNaN: true }));
const values = fc.array(value, { minLength: 20, maxLength: 20 }).map((list) => Float32Array.from(list));

/** y, dx and the gradient of the scale for dy = 1, 2, … */
async function all(backend: string, x: Float32Array, quantizer: StoredQuantizer): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const weights = Float32Array.from({ length: 20 }, (_, i) => i + 1);
  const loss = (input: tf.Tensor, step: tf.Tensor): tf.Scalar =>
    tf.sum(tf.mul(fakeQuantize(input, step, quantizer), tf.tensor(weights, shape)));
  const run = (): tf.Tensor[] => {
    const given = [tf.tensor(x, shape), tf.tensor1d(quantizer.scale)] as const;
    return [fakeQuantize(...given, quantizer), ...tf.grads(loss)([...given])];
  };
  const results = tf.tidy(run);
  const data = results.map((tensor) => tensor.dataSync().slice() as Float32Array);
  tf.dispose(results);
  return data;
}

test.each(Object.entries(quantizers))('%s: one kernel gives what many ops give', async (_, quantizer) => {
  await fc.assert(
    fc.asyncProperty(values, async (x) => {
      const { numTensors } = tf.memory();
      const [many, one] = [await all('cpu', x, quantizer), await all('wasm', x, quantizer)];
      expect(one[0]!.map((v) => v + 0)).toEqual(onLevels(x, shape, quantizer).map((v) => v + 0));
      expect(one[1]).toEqual(many[1]);
      one[2]!.forEach((slope, i) => expect(slope).toBeCloseTo(many[2]![i]!, 2));
      expect(tf.memory().numTensors).toBe(numTensors);
    }),
    { numRuns: 40 },
  );
});
