import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { asymmetric, decode, encode, fakeQuantizeUniform, symmetric, type UniformQuantizer } from './index.ts';

const run = (values: Float32Array, shape: number[], { scale, zeroPoint, axis = -1, ...rest }: UniformQuantizer) =>
  tf
    .tidy(() =>
      fakeQuantizeUniform(tf.tensor(values, shape), tf.tensor1d(scale), { ...rest, axis, zeroPoint: [...zeroPoint] }),
    )
    .dataSync();

test('equals decode(encode(x)), per tensor and per channel', () => {
  const floats = fc.float32Array({ minLength: 12, maxLength: 12, noNaN: true, min: -1e3, max: 1e3 });
  fc.assert(
    fc.property(floats, fc.integer({ min: 2, max: 16 }), (values, bits) => {
      for (const quantizer of [asymmetric(bits, -3, 700), symmetric(bits, [1, 20, 300], 1), symmetric(bits, [1e-3])]) {
        expect([...run(values, [4, 3], quantizer)].map((v) => v + 0)).toEqual(
          [...decode(encode(values, [4, 3], quantizer), [4, 3], quantizer)].map((v) => v + 0),
        );
      }
    }),
    { numRuns: 50 },
  );
});

test('the gradient passes straight through inside the range and stops outside', () => {
  const { zeroPoint: _, ...quantizer } = symmetric(8, [1.27]);
  const loss = (x: tf.Tensor) =>
    tf.sum(
      tf.mul(
        fakeQuantizeUniform(x, tf.tensor1d(quantizer.scale), { ...quantizer, axis: -1, zeroPoint: [0] }),
        tf.tensor1d([1, 2, 3, 4]),
      ),
    );
  const gradient = tf.grad(loss as (x: tf.Tensor) => tf.Tensor)(tf.tensor1d([-9, -0.5, 0.503, 9]));
  expect([...gradient.dataSync()]).toEqual([0, 2, 3, 0]);
});

test("the scale's gradient is LSQ's: round(v) − v inside, the clipped code outside", () => {
  const x = tf.tensor1d([0.26, -100, 100]);
  const attrs = { bits: 4, signed: true, zeroPoint: [0], axis: -1 };
  const gradient = tf.grad((scale) => tf.sum(fakeQuantizeUniform(x, scale, attrs)) as tf.Scalar)(tf.tensor1d([0.1]));
  expect(gradient.dataSync()[0]).toBeCloseTo(3 - 2.6 + -8 + 7, 4);
});
