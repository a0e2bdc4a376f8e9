import type { Tensor } from './safetensors.ts';
import { expectClose, fixture, graphOf, noise, renamed, run, type Json } from './testing/fixture.ts';
import { swinReference, type SwinConfig } from './testing/swin-reference.ts';

const base = { architectures: ['SwinForImageClassification'], model_type: 'swin', num_labels: 3 };

interface Case extends SwinConfig {
  readonly qkv_bias?: boolean;
  readonly use_absolute_embeddings?: boolean;
  readonly mlp_ratio?: number;
}

const small = { patch_size: 2, embed_dim: 8, depths: [2, 2], num_heads: [2, 4], layer_norm_eps: 1e-5 } as const;

/** Every tensor of such a model, with numbers that look random. */
function tensorsFor(config: Case): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  let seed = 1;
  const add = (name: string, shape: readonly number[], size = 0.4): void =>
    void tensors.set(name, noise(shape, seed++, size));
  const linear = (name: string, inputs: number, outputs: number, bias = true): void => {
    add(`${name}.weight`, [outputs, inputs]);
    if (bias) add(`${name}.bias`, [outputs]);
  };
  const norm = (name: string, size: number): void => {
    tensors.set(`${name}.weight`, { shape: [size], data: noise([size], seed++, 0.3).data.map((value) => value + 1) });
    add(`${name}.bias`, [size]);
  };
  const { patch_size: patch, embed_dim: first, image_size: image } = config;
  add('swin.embeddings.patch_embeddings.projection.weight', [first, 3, patch, patch]);
  add('swin.embeddings.patch_embeddings.projection.bias', [first]);
  norm('swin.embeddings.norm', first);
  if (config.use_absolute_embeddings) {
    const patches = image.reduce((product, side) => product * Math.ceil(side / patch), 1);
    add('swin.embeddings.position_embeddings', [1, patches, first]);
  }
  config.depths.forEach((depth, stage) => {
    const size = first * 2 ** stage;
    for (let block = 0; block < depth; block++) {
      const at = `swin.encoder.layers.${stage}.blocks.${block}`;
      norm(`${at}.layernorm_before`, size);
      for (const role of ['query', 'key', 'value']) {
        linear(`${at}.attention.self.${role}`, size, size, config.qkv_bias ?? true);
      }
      const steps = (2 * config.window_size - 1) ** 2;
      add(`${at}.attention.self.relative_position_bias_table`, [steps, config.num_heads[stage]!]);
      linear(`${at}.attention.output.dense`, size, size);
      norm(`${at}.layernorm_after`, size);
      const inner = Math.trunc(size * (config.mlp_ratio ?? 4));
      linear(`${at}.intermediate.dense`, size, inner);
      linear(`${at}.output.dense`, inner, size);
    }
    if (stage < config.depths.length - 1) {
      norm(`swin.encoder.layers.${stage}.downsample.norm`, 4 * size);
      linear(`swin.encoder.layers.${stage}.downsample.reduction`, 4 * size, 2 * size, false);
    }
  });
  const last = first * 2 ** (config.depths.length - 1);
  norm('swin.layernorm', last);
  linear('classifier', last, 3);
  return tensors;
}

test('the definition that the other tests compare with equals Transformers', async () => {
  const { json, tensors, expected } = await fixture('swin');
  const config = { ...(json as unknown as SwinConfig), image_size: [32, 32] as const };
  const pixels = expected.get('input.pixel_values')!.data.slice(0, 3 * 32 * 32) as Float32Array;
  const logits = swinReference(config, tensors, pixels, 3);
  expectClose(expected.get('output.logits')!.data.slice(0, 7) as Float32Array, logits);
});

test.each<[string, Case]>([
  ['an odd window', { ...small, image_size: [24, 24], window_size: 3 }],
  ['tokens that windows do not fill', { ...small, image_size: [22, 28], window_size: 5 }],
  ['pixels that patches do not fill, tokens that do not pair', { ...small, image_size: [21, 25], window_size: 4 }],
  ['a stage that is one window', { ...small, image_size: [24, 24], window_size: 6 }],
  ['a stage as high as a window, but wider', { ...small, image_size: [12, 24], window_size: 3 }],
  [
    'three stages of different depth',
    { ...small, image_size: [28, 20], window_size: 2, depths: [1, 3, 2], num_heads: [1, 2, 4] },
  ],
  [
    'no biases, absolute positions, another ratio, another epsilon',
    {
      ...small,
      ...{ image_size: [18, 21], window_size: 3, layer_norm_eps: 0.1, mlp_ratio: 2.6 },
      ...{ qkv_bias: false, use_absolute_embeddings: true },
    },
  ],
])('%s', async (_, config) => {
  const tensors = tensorsFor(config);
  const pixels = noise([2, 3, ...config.image_size], 99, 2);
  const logits = await run(graphOf({ ...base, ...config }, tensors), { pixel_values: pixels }, 'logits');
  const image = pixels.data.length / 2;
  const expected = [0, 1].flatMap((i) => [
    ...swinReference(config, tensors, pixels.data.subarray(i * image, (i + 1) * image), 3),
  ]);
  expectClose(logits, expected);
});

test('SwinModel shows its hidden state and the mean of it', async () => {
  const { json, tensors, expected } = await fixture('swin');
  const plain = renamed(tensors, (name) => (name.startsWith('swin.') ? name.slice(5) : undefined));
  plain.set('encoder.layers.0.blocks.0.attention.self.relative_position_index', {
    shape: [1],
    data: new Int32Array(1),
  });
  const graph = graphOf({ ...json, architectures: ['SwinModel'] }, plain);
  expect(graph.outputs).toMatchObject([
    { name: 'last_hidden_state', shape: [-1, 64, 32] },
    { name: 'pooler_output', shape: [-1, 32] },
  ]);
  const inputs = { pixel_values: expected.get('input.pixel_values')! };
  const states = await run(graph, inputs, 'last_hidden_state');
  const means = Array.from({ length: 64 }, (_, i) => {
    let sum = 0;
    for (let row = 0; row < 64; row++) sum += states[Math.floor(i / 32) * 64 * 32 + row * 32 + (i % 32)]!;
    return sum / 64;
  });
  expectClose(await run(graph, inputs, 'pooler_output'), means);
});

test.each<[Json, string]>([
  [{ num_heads: [2] }, 'num_heads must have one entry per stage of depths, got 1 and 2'],
  [{ num_heads: [2, 3] }, 'num_heads of stage 2 must divide its 32 channels, got 3'],
  [{ window_size: 9 }, 'window_size must be at most the sides of every stage, got 9 and 8 × 8 in stage 2'],
  [{ depths: [] }, 'depths must be a list of positive integers, one per stage, got []'],
  [{ depths: [2, 0] }, 'depths.1 must be a list of positive integers, one per stage, got 0'],
  [{ mlp_ratio: 0 }, 'mlp_ratio must be a positive number, got 0'],
  [{ use_absolute_embeddings: 1 }, 'use_absolute_embeddings must be true or false, got 1'],
])('%j is refused', async (change, message) => {
  const { json, tensors } = await fixture('swin');
  expect(() => graphOf({ ...json, ...change }, tensors)).toThrow(`config.json: ${message}`);
});
