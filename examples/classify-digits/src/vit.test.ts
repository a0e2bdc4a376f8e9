import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import { initialVit, vit, vitShapes } from './vit.ts';

const config = {
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 12,
  image_size: 6,
  num_channels: 2,
  patch_size: 3,
  layer_norm_eps: 1e-12,
  labels: 3,
};

test('each gradient of the loss is the slope of the loss', async () => {
  await tf.setBackend('wasm');
  const weights = new Map(
    [...vitShapes(config)].map(([name, shape], seed) => {
      const away = tf.randomNormal([...shape], 0, 0.2, 'float32', seed); // from zeros, which hide mistakes
      return [name, tf.variable(tf.add(away, tf.tensor(initialVit(config, 1).get(name)!, [...shape])))];
    }),
  );
  const pixels = tf.randomNormal([4, 2, 6, 6], 0, 1, 'float32', 1);
  const targets = tf.oneHot(tf.tensor1d([0, 1, 2, 1], 'int32'), 3);
  const loss = () => tf.losses.softmaxCrossEntropy(targets, vit(config, weights, pixels), undefined, 0.1) as tf.Scalar;
  const { grads } = tf.variableGrads(loss);

  for (const [name, weight] of weights) {
    const gradient = grads[weight.name]!;
    const direction = tf.randomNormal(weight.shape, 0, 1, 'float32', 7);
    const original = weight.clone();
    const at = (step: number) => {
      weight.assign(tf.add(original, tf.mul(direction, step)));
      return loss().dataSync()[0]!;
    };
    const step = 0.003;
    // Fourth-order central difference: float32 leaves about 1e-5 of noise.
    const slope = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
    weight.assign(original);
    expect({ name, slope }).toEqual({
      name,
      slope: expect.closeTo(tf.sum(tf.mul(gradient, direction)).dataSync()[0]!, 3),
    });
  }
});
