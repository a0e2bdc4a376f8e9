import type { Dataset } from '@cq/core';
import { losses, oneHot, tensor, train, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import { initializers, input, layers, model, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';

/** pixels [batch, 784] → 128, GELU → LayerNorm → 128, GELU, added to the first → logits [batch, 10]. */
export function classifier(): LayersModel {
  const pixels = input({ shape: [28 * 28], name: 'pixels' });
  const dense = (units: number, seed: number, activation: 'gelu' | 'linear', x: SymbolicTensor) =>
    layers
      .dense({ units, activation, kernelInitializer: initializers.glorotUniform({ seed }) })
      .apply(x) as SymbolicTensor;
  const first = dense(128, 1, 'gelu', pixels);
  const normed = layers.layerNormalization().apply(first) as SymbolicTensor;
  const sum = layers.add().apply([first, dense(128, 2, 'gelu', normed)]) as SymbolicTensor;
  return model({ inputs: pixels, outputs: dense(10, 3, 'linear', sum) });
}

/** Adam on the cross-entropy, the examples in their order. */
export async function learn(learner: LayersModel, data: Dataset, epochs: number): Promise<void> {
  const optimizer = train.adam(0.002);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const { inputs, labels } of data.batches(50)) {
      const { data: values, shape } = Object.values(inputs)[0]!;
      optimizer.minimize(() => {
        const outputs = learner.apply(tensor(values, [...shape]), { training: true }) as Tensor;
        return losses.softmaxCrossEntropy(oneHot([...labels!], 10), outputs) as Scalar;
      });
    }
  }
  optimizer.dispose();
}
