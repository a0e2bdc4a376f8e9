/**
 * A ViT of any size with random weights, in float and compressed: `node make-vit.mjs FOLDER WIDTH HEADS LAYERS BITS…` writes
 * FOLDER/float and, with 8-bit activations and weights of so many bits, FOLDER/w8a8 and the like. What a model computes
 * does not change how long that takes.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '../../packages/backend-wasm/dist/index.js';
import { randomFeeds } from '../../packages/cli/dist/bench-feeds.js';
import { compress, lower, pack, quantizeUniform } from '../../packages/core/dist/index.js';
import { toFolder } from '../../packages/core/dist/node/index.js';
import { importHuggingFace, writeSafetensors } from '../../packages/import-hf/dist/index.js';
import { tf } from './tensorflow.mjs';

const [folder, ...sizes] = process.argv.slice(2);
const [width, heads, layers, ...bits] = sizes.map(Number);

rmSync(folder, { recursive: true, force: true });
const source = join(folder, 'source');
mkdirSync(source, { recursive: true });
writeFileSync(join(source, 'config.json'), JSON.stringify(config()));
writeFileSync(join(source, 'model.safetensors'), writeSafetensors(tensors()));
const model = await importHuggingFace(source);
rmSync(source, { recursive: true });
toFolder(pack(model), join(folder, 'float'));

tf.enableProdMode();
await tf.setBackend('wasm');
const calibration = noise(model.inputs);
for (const weights of bits) {
  const { graph } = await compress(model, [quantizeUniform({ weights, activations: 8 })], { calibration });
  toFolder(pack(lower(graph).graph), join(folder, `w${weights}a8`));
}

function config() {
  return {
    ...{ architectures: ['ViTForImageClassification'], model_type: 'vit', hidden_act: 'gelu', layer_norm_eps: 1e-12 },
    ...{ hidden_size: width, num_hidden_layers: layers, num_attention_heads: heads, intermediate_size: 4 * width },
    ...{ image_size: 224, patch_size: 16, num_channels: 3, qkv_bias: true },
    id2label: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [i, `class ${i}`])),
  };
}

function tensors() {
  const found = new Map();
  let seed = 0;
  const random = (name, ...shape) => {
    const [input] = Object.values(randomFeeds([{ name, dtype: 'float32', shape: [1, ...shape] }], 1, seed++));
    found.set(name, { shape, data: input.data.map((value) => 0.02 * value) });
  };
  const linear = (name, outputs, inputs) => {
    random(`${name}.weight`, outputs, inputs);
    random(`${name}.bias`, outputs);
  };
  const norm = (name) => {
    found.set(`${name}.weight`, { shape: [width], data: new Float32Array(width).fill(1) });
    found.set(`${name}.bias`, { shape: [width], data: new Float32Array(width) });
  };
  random('vit.embeddings.cls_token', 1, 1, width);
  random('vit.embeddings.position_embeddings', 1, 197, width);
  random('vit.embeddings.patch_embeddings.projection.weight', width, 3, 16, 16);
  random('vit.embeddings.patch_embeddings.projection.bias', width);
  for (let i = 0; i < layers; i++) {
    const at = `vit.encoder.layer.${i}`;
    for (const part of ['query', 'key', 'value']) linear(`${at}.attention.attention.${part}`, width, width);
    linear(`${at}.attention.output.dense`, width, width);
    linear(`${at}.intermediate.dense`, 4 * width, width);
    linear(`${at}.output.dense`, width, 4 * width);
    norm(`${at}.layernorm_before`);
    norm(`${at}.layernorm_after`);
  }
  norm('vit.layernorm');
  linear('classifier', 1000, width);
  return found;
}

/** Two inputs to calibrate on. */
function noise(inputs) {
  return {
    name: 'noise',
    size: 2,
    async *batches(_, indices = [0, 1]) {
      for (const index of indices) yield { inputs: randomFeeds(inputs, 1, index), indices: [index] };
    },
  };
}
