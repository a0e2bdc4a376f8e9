import * as tf from '@tensorflow/tfjs-core';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { gelu, layerNorm, linear } from './gradients.ts';

/** The fields of a Hugging Face `config.json` that decide what a ViT computes. Images are square. */
export interface VitConfig {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly image_size: number;
  readonly num_channels: number;
  readonly patch_size: number;
  readonly layer_norm_eps: number;
  readonly labels: number;
}

/** Hugging Face's name of a weight → what it holds. */
export type Weights = ReadonlyMap<string, tf.Tensor>;

/** Logits `[batch, labels]` of `pixels` `[batch, channels, side, side]`, as Hugging Face's ViTForImageClassification computes them. */
export function vit(config: VitConfig, weights: Weights, pixels: tf.Tensor): tf.Tensor2D {
  const { hidden_size: hidden, num_hidden_layers: layers } = config;
  const batch = pixels.shape[0]!;
  const { normed, dense, weight } = access(config, weights);

  const patches = dense('vit.embeddings.patch_embeddings.projection', patchesOf(config, pixels));
  const classToken = tf.add(tf.zeros([batch, 1, hidden]), weight('vit.embeddings.cls_token'));
  const sequence = tf.concat([classToken, tf.reshape(patches, [batch, -1, hidden])], 1);
  const embedded = tf.add(sequence, weight('vit.embeddings.position_embeddings'));

  let x: tf.Tensor2D = tf.reshape(embedded, [-1, hidden]); // [batch × tokens, hidden]
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `vit.encoder.layer.${layer}`;
    x = tf.add(x, attention(config, weights, prefix, normed(`${prefix}.layernorm_before`, x), batch));
    const intermediate = gelu(dense(`${prefix}.intermediate.dense`, normed(`${prefix}.layernorm_after`, x)));
    x = tf.add(x, dense(`${prefix}.output.dense`, intermediate));
  }

  const first = tf.slice(tf.reshape(x, [batch, -1, hidden]), [0, 0, 0], [batch, 1, hidden]);
  return dense('classifier', normed('vit.layernorm', tf.reshape(first, [batch, hidden])));
}

/** The shape of every weight, by name, in the order in which they are stored. */
export function vitShapes(config: VitConfig): ReadonlyMap<string, readonly number[]> {
  const { hidden_size: hidden, intermediate_size: intermediate, patch_size: patch, labels } = config;
  const tokens = (config.image_size / patch) ** 2 + 1;
  const dense = (name: string, outputs: number, inputs: number): [string, number[]][] => [
    [`${name}.bias`, [outputs]],
    [`${name}.weight`, [outputs, inputs]],
  ];
  const norm = (name: string): [string, number[]][] => [
    [`${name}.bias`, [hidden]],
    [`${name}.weight`, [hidden]],
  ];
  const layer = (prefix: string): [string, number[]][] => [
    ...dense(`${prefix}.attention.attention.key`, hidden, hidden),
    ...dense(`${prefix}.attention.attention.query`, hidden, hidden),
    ...dense(`${prefix}.attention.attention.value`, hidden, hidden),
    ...dense(`${prefix}.attention.output.dense`, hidden, hidden),
    ...dense(`${prefix}.intermediate.dense`, intermediate, hidden),
    ...norm(`${prefix}.layernorm_after`),
    ...norm(`${prefix}.layernorm_before`),
    ...dense(`${prefix}.output.dense`, hidden, intermediate),
  ];
  return new Map([
    ...dense('classifier', labels, hidden),
    ['vit.embeddings.cls_token', [1, 1, hidden]],
    ['vit.embeddings.patch_embeddings.projection.bias', [hidden]],
    ['vit.embeddings.patch_embeddings.projection.weight', [hidden, config.num_channels, patch, patch]],
    ['vit.embeddings.position_embeddings', [1, tokens, hidden]],
    ...Array.from({ length: config.num_hidden_layers }, (_, index) => layer(`vit.encoder.layer.${index}`)).flat(),
    ...norm('vit.layernorm'),
  ]);
}

/** Values to start training from: Glorot's uniform ones in matrices, ±0.03 in embeddings, ones and zeros elsewhere. */
export function initialVit(config: VitConfig, seed: number): Map<string, Float32Array> {
  const random = xoroshiro128plus(seed);
  const uniform = (bound: number) => () => (uniformFloat64(random) * 2 - 1) * bound;
  return new Map(
    [...vitShapes(config)].map(([name, shape]) => {
      const values = new Float32Array(tf.util.sizeFromShape([...shape]));
      if (name.includes('layernorm') && name.endsWith('.weight')) return [name, values.fill(1)];
      if (name.endsWith('.bias')) return [name, values];
      const [outputs, inputs] = [shape[0]!, values.length / shape[0]!];
      const bound = name.endsWith('.weight') ? Math.sqrt(6 / (inputs + outputs)) : 0.03;
      return [name, values.map(uniform(bound))];
    }),
  );
}

function access(config: VitConfig, weights: Weights) {
  const weight = (name: string): tf.Tensor => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`vit: there is no weight "${name}"`);
    return found;
  };
  return {
    weight,
    dense(name: string, x: tf.Tensor2D): tf.Tensor2D {
      const [bias, matrix] = [weight(`${name}.bias`) as tf.Tensor1D, weight(`${name}.weight`)];
      return linear(x, tf.reshape(matrix, [bias.size, -1]), bias);
    },
    normed(name: string, x: tf.Tensor2D): tf.Tensor2D {
      const [scale, shift] = [weight(`${name}.weight`) as tf.Tensor1D, weight(`${name}.bias`) as tf.Tensor1D];
      return layerNorm(x, scale, shift, config.layer_norm_eps);
    },
  };
}

/** `[batch × patches, channels × patch × patch]`: a convolution whose stride is its size becomes a matrix product. */
function patchesOf({ num_channels, image_size, patch_size: patch }: VitConfig, pixels: tf.Tensor): tf.Tensor2D {
  const across = image_size / patch;
  const rows = tf.reshape(pixels, [-1, patch, across, patch]); // [batch × channels × across, …]
  const patches = tf.reshape(tf.transpose(rows, [0, 2, 1, 3]), [-1, num_channels, across * across, patch * patch]);
  return tf.reshape(tf.transpose(patches, [0, 2, 1, 3]), [-1, num_channels * patch * patch]);
}

function attention(config: VitConfig, weights: Weights, prefix: string, x: tf.Tensor2D, batch: number): tf.Tensor2D {
  const { hidden_size: hidden, num_attention_heads: heads } = config;
  const { dense } = access(config, weights);
  const split = (name: string) => {
    const tokens = tf.reshape(dense(`${prefix}.attention.attention.${name}`, x), [batch, -1, heads, hidden / heads]);
    return tf.transpose(tokens, [0, 2, 1, 3]); // [batch, heads, tokens, hidden / heads]
  };
  const scores = tf.matMul(tf.mul(split('query'), 1 / Math.sqrt(hidden / heads)), split('key'), false, true);
  const mixed = tf.matMul(tf.softmax(scores), split('value'));
  return dense(`${prefix}.attention.output.dense`, tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [-1, hidden]));
}
