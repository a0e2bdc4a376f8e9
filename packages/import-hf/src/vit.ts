import { build, type Builder, type Graph, type Metadata } from '@cq/core';
import type { Checkpoint } from './checkpoint.ts';
import { architectures, type Architecture, type Config } from './config.ts';
import { transpose } from './transpose.ts';

/**
 * Vision Transformers with pre-normalized blocks: ViT and DeiT. Nodes are named after the modules of Hugging Face,
 * weights after its tensors.
 * Source: Dosovitskiy et al. 2021 (ViT), Touvron et al. 2021 (DeiT).
 */
export function vit(config: Config, checkpoint: Checkpoint, metadata: Metadata): Graph {
  const { hidden_size: hidden, num_channels: channels, image_size: image, patch_size: patch } = config;
  const graph = build();
  const { prefix, tokens, heads }: Architecture = architectures[config.architecture];
  const rows = tokens.length + image.reduce((patches, side) => patches * (side / patch), 1);
  const model: Model = { config, graph, checkpoint, prefix, tokens, rows };

  let x = embeddings(model, graph.input('pixel_values', 'float32', [-1, channels, ...image])); // [batch, rows, hidden]
  for (let layer = 0; layer < config.num_hidden_layers; layer++) x = block(model, layer, x);
  if (heads.length > 0) classify(model, x, heads);
  else graph.output('last_hidden_state', layerNorm(model, 'layernorm', `${prefix}layernorm`, x), [-1, rows, hidden]);

  checkpoint.finish(ignored.map((name) => prefix + name));
  return graph.graph(metadata);
}

/** Tensors that no output here depends on. */
const ignored: readonly string[] = ['pooler.dense.weight', 'pooler.dense.bias', 'embeddings.mask_token'];

interface Model extends Pick<Architecture, 'prefix' | 'tokens'> {
  readonly config: Config;
  readonly graph: Builder;
  readonly checkpoint: Checkpoint;
  /** Of the residual stream: the learned tokens, then one row per patch. */
  readonly rows: number;
}

/** Patches ─► MatMul ─► BiasAdd ─► Pad (zero rows for the tokens) ─► AddV2 (tokens and positions in one constant) */
function embeddings(model: Model, pixels: string): string {
  const { config, graph, checkpoint, prefix, tokens } = model;
  const { hidden_size: hidden, num_channels: channels, patch_size: size } = config;
  const [rows, columns] = config.image_size.map((side) => side / size) as [number, number];

  const at = 'embeddings/patch_embeddings';
  const from = `${prefix}embeddings.patch_embeddings.projection`; // a convolution whose stride is its size
  const patches = graph.node(`${at}/Patches`, 'Patches', [pixels], { size, channels, rows, columns });
  const kernel = checkpoint.take(`${from}.weight`, [hidden, channels, size, size]);
  const projected = product(model, `${at}/projection`, from, patches, kernel, channels * size * size, hidden);
  const padded = graph.node('embeddings/Pad', 'Pad', [
    biasAdd(model, `${at}/projection`, from, projected, hidden),
    graph.weight('embeddings/Pad/paddings', [3, 2], Int32Array.of(0, 0, tokens.length, 0, 0, 0)),
  ]);

  const name = `${prefix}embeddings.position_embeddings`;
  const positions = checkpoint.take(name, [1, model.rows, hidden]).slice();
  tokens.forEach((token, row) => {
    const values = checkpoint.take(`${prefix}embeddings.${token}`, [1, 1, hidden]);
    for (let i = 0; i < hidden; i++) positions[row * hidden + i]! += values[i]!; // the array rounds the sum to float32
  });
  return graph.node('embeddings/AddV2', 'AddV2', [padded, graph.weight(name, [1, model.rows, hidden], positions)]);
}

/** x + attention(norm(x)), then x + mlp(norm(x)); the branch is the first operand of both additions. */
function block(model: Model, layer: number, x: string): string {
  const { config, graph, prefix } = model;
  const { hidden_size: hidden, intermediate_size: inner } = config;
  const at = `encoder/layer.${layer}`;
  const from = `${prefix}encoder.layer.${layer}`;

  const normalized = layerNorm(model, `${at}/layernorm_before`, `${from}.layernorm_before`, x);
  const context = attention(model, `${at}/attention`, `${from}.attention.attention`, normalized);
  const attended = linear(model, `${at}/attention/output`, `${from}.attention.output.dense`, context, hidden, hidden);
  const residual = graph.node(`${at}/attention/output/AddV2`, 'AddV2', [attended, x]);

  const again = layerNorm(model, `${at}/layernorm_after`, `${from}.layernorm_after`, residual);
  const up = linear(model, `${at}/intermediate`, `${from}.intermediate.dense`, again, hidden, inner);
  const down = linear(
    model,
    `${at}/output`,
    `${from}.output.dense`,
    activation(model, `${at}/intermediate`, up),
    inner,
    hidden,
  );
  return graph.node(`${at}/output/AddV2`, 'AddV2', [down, residual]);
}

function attention(model: Model, at: string, from: string, x: string): string {
  const { config, graph } = model;
  const { hidden_size: hidden, num_attention_heads: heads, qkv_bias: bias } = config;
  const shape = { heads, depth: hidden / heads, tokens: model.rows };
  const project = (role: string): string => linear(model, `${at}/${role}`, `${from}.${role}`, x, hidden, hidden, bias); // [batch, rows, heads · depth]
  const logits = graph.node(`${at}/AttentionLogits`, 'AttentionLogits', [project('query'), project('key')], {
    ...shape,
    factor: 1 / Math.sqrt(shape.depth),
  });
  const weights = graph.node(`${at}/Softmax`, 'Softmax', [logits]); // [batch, heads, rows, rows]
  return graph.node(`${at}/AttentionContext`, 'AttentionContext', [weights, project('value')], shape);
}

function activation({ config, graph }: Model, at: string, x: string): string {
  if (config.hidden_act === 'relu') return graph.node(`${at}/Relu`, 'Relu', [x]);
  return graph.node(`${at}/Gelu`, 'Gelu', [x], { approximate: config.hidden_act !== 'gelu' });
}

/** Head i reads row i. To normalize that row alone gives the same numbers as to normalize all, for less work. */
function classify(model: Model, x: string, heads: readonly string[]): void {
  const { config, graph, prefix, tokens } = model;
  const { hidden_size: hidden, labels, layer_norm_eps: epsilon } = config;
  const gammaBeta = normalization(model, `${prefix}layernorm`);
  const logits = heads.map((head, index) => {
    const at = tokens[index]!;
    const row = graph.node(`${at}/Slice`, 'Slice', [
      x,
      graph.weight(`${at}/Slice/begin`, [3], Int32Array.of(0, index, 0)),
      graph.weight(`${at}/Slice/size`, [3], Int32Array.of(-1, 1, -1)),
    ]);
    const state = graph.node(`${at}/Reshape`, 'Reshape', [
      row,
      graph.weight(`${at}/Reshape/shape`, [2], Int32Array.of(-1, hidden)),
    ]);
    const normalized = graph.node(`${at}/layernorm/LayerNorm`, 'LayerNorm', [state, ...gammaBeta], { epsilon });
    return linear(model, head, head, normalized, hidden, labels.length);
  });
  const shape = [-1, labels.length];
  if (logits.length === 1) {
    graph.output('logits', logits[0]!, shape);
  } else {
    const sum = graph.node('mean/AddV2', 'AddV2', logits);
    const half = graph.weight('mean/Mul/half', [], Float32Array.of(1 / logits.length));
    graph.output('logits', graph.node('mean/Mul', 'Mul', [sum, half]), shape);
    heads.forEach((head, index) => graph.output(head.replace('classifier', 'logits'), logits[index]!, shape));
  }
}

function layerNorm(model: Model, at: string, from: string, x: string): string {
  return model.graph.node(`${at}/LayerNorm`, 'LayerNorm', [x, ...normalization(model, from)], {
    epsilon: model.config.layer_norm_eps,
  });
}

/** Gamma and beta. */
function normalization({ config, graph, checkpoint }: Model, from: string): string[] {
  return [`${from}.weight`, `${from}.bias`].map((name) =>
    graph.weight(name, [config.hidden_size], checkpoint.take(name, [config.hidden_size])),
  );
}

/** x: [.., inputs] → [.., outputs] */
function linear(
  model: Model,
  at: string,
  from: string,
  x: string,
  inputs: number,
  outputs: number,
  bias = true,
): string {
  const weight = model.checkpoint.take(`${from}.weight`, [outputs, inputs]);
  const y = product(model, at, from, x, weight, inputs, outputs);
  return bias ? biasAdd(model, at, from, y, outputs) : y;
}

/** @param weight [outputs, inputs], as PyTorch keeps it */
function product(
  { graph }: Model,
  at: string,
  from: string,
  x: string,
  weight: Float32Array,
  inputs: number,
  outputs: number,
): string {
  const w = graph.weight(`${from}.weight`, [inputs, outputs], transpose(weight, outputs, inputs));
  return graph.node(`${at}/MatMul`, 'MatMul', [x, w]);
}

function biasAdd({ graph, checkpoint }: Model, at: string, from: string, x: string, outputs: number): string {
  const bias = graph.weight(`${from}.bias`, [outputs], checkpoint.take(`${from}.bias`, [outputs]));
  return graph.node(`${at}/BiasAdd`, 'BiasAdd', [x, bias]);
}
