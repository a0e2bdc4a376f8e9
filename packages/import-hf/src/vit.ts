import { build } from '@cq/core';
import { z } from 'zod';
import { gammaBeta, layerNorm, linear, pad, reshape, slice, type Draft } from './draft.ts';
import type { Family, Model } from './family.ts';
import { activationName, epsilon, flag, headsDivide, imageSize, patchSize, positive } from './fields.ts';
import { patchEmbeddings } from './patches.ts';
import { preNormBlock } from './pre-norm.ts';

export type VitFields = z.infer<typeof vitFields>;

export const vitFields = z.object({
  hidden_size: positive.default(768),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(12),
  intermediate_size: positive.default(3072),
  hidden_act: activationName.default('gelu'),
  layer_norm_eps: epsilon.default(1e-12),
  image_size: imageSize.default([224, 224]),
  patch_size: patchSize.default(16),
  num_channels: positive.default(3),
  qkv_bias: flag.default(true),
});

export interface VitRow {
  /** In front of the names of all tensors but the heads'. */
  readonly prefix: string;
  /** The learned tokens in front of the patches. */
  readonly tokens: readonly ('cls_token' | 'distillation_token')[];
  /** The classifiers; the first reads the first token, and so on. None: the model shows its hidden state. */
  readonly heads: readonly string[];
}

/**
 * Vision Transformers with pre-normalized blocks: ViT and DeiT. Nodes are named after the modules of Hugging Face,
 * weights after its tensors.
 * Source: Dosovitskiy et al. 2021 (ViT), Touvron et al. 2021 (DeiT).
 */
export const vit: Family<VitFields, VitRow> = {
  fields: vitFields,
  unsupported: {},
  check(config) {
    const { image_size: image, patch_size: patch } = config;
    if (image.some((side) => side % patch !== 0))
      return `image_size must be a multiple of patch_size, got ${image.join(' × ')} and ${patch}`;
    return headsDivide(config);
  },

  graph(model) {
    const { config, row, checkpoint, metadata } = model;
    const { hidden_size: hidden, image_size: image } = config;
    const draft: Draft = { graph: build(), checkpoint };
    const rows = row.tokens.length + image.reduce((patches, side) => patches * (side / config.patch_size), 1);

    let x = embeddings(draft, model, rows); // [batch, rows, hidden]
    for (let layer = 0; layer < config.num_hidden_layers; layer++) {
      x = preNormBlock(draft, `encoder/layer.${layer}`, `${row.prefix}encoder.layer.${layer}`, x, rows, config);
    }
    if (row.heads.length > 0) classify(draft, model, x);
    else {
      const state = layerNorm(draft, 'layernorm', `${row.prefix}layernorm`, x, hidden, config.layer_norm_eps);
      draft.graph.output('last_hidden_state', state, [-1, rows, hidden]);
    }
    checkpoint.finish(ignored.map((name) => row.prefix + name));
    return draft.graph.graph(metadata);
  },
};

/** Tensors that no output here depends on. */
const ignored: readonly string[] = ['pooler.dense.weight', 'pooler.dense.bias', 'embeddings.mask_token'];

type Vit = Model<VitFields, VitRow>;

/** Patches ─► MatMul ─► BiasAdd ─► Pad (zero rows for the tokens) ─► AddV2 (tokens and positions in one constant) */
function embeddings(draft: Draft, { config, row, checkpoint }: Vit, rows: number): string {
  const { hidden_size: hidden, num_channels: channels, patch_size: size, image_size: image } = config;
  const { prefix, tokens } = row;
  const pixels = draft.graph.input('pixel_values', 'float32', [-1, channels, ...image]);
  const patches = patchEmbeddings(draft, `${prefix}embeddings.patch_embeddings.projection`, pixels, {
    ...{ channels, hidden, size, image },
    grid: [image[0] / size, image[1] / size],
  });
  const padded = pad(draft, 'embeddings/Pad', patches, [[0, 0], [tokens.length, 0], [0, 0]]); // prettier-ignore

  const name = `${prefix}embeddings.position_embeddings`;
  const positions = checkpoint.take(name, [1, rows, hidden]).slice();
  tokens.forEach((token, index) => {
    const values = checkpoint.take(`${prefix}embeddings.${token}`, [1, 1, hidden]);
    for (let i = 0; i < hidden; i++) positions[index * hidden + i]! += values[i]!; // the array rounds the sum to float32
  });
  return draft.graph.node('embeddings/AddV2', 'AddV2', [
    padded,
    draft.graph.weight(name, [1, rows, hidden], positions),
  ]);
}

/** Head i reads row i. To normalize that row alone gives the same numbers as to normalize all, for less work. */
function classify(draft: Draft, { config, row, labels }: Vit, x: string): void {
  const { graph } = draft;
  const { hidden_size: hidden, layer_norm_eps: epsilon } = config;
  const normalization = gammaBeta(draft, `${row.prefix}layernorm`, hidden);
  const logits = row.heads.map((head, index) => {
    const at = row.tokens[index]!;
    const taken = slice(draft, `${at}/Slice`, x, [0, index, 0], [-1, 1, -1]);
    const state = reshape(draft, `${at}/Reshape`, taken, [-1, hidden]);
    const normalized = graph.node(`${at}/layernorm/LayerNorm`, 'LayerNorm', [state, ...normalization], { epsilon });
    return linear(draft, head, head, normalized, [hidden, labels.length]);
  });
  const shape = [-1, labels.length];
  if (logits.length === 1) {
    graph.output('logits', logits[0]!, shape);
  } else {
    const sum = graph.node('mean/AddV2', 'AddV2', logits);
    const half = graph.weight('mean/Mul/half', [], Float32Array.of(1 / logits.length));
    graph.output('logits', graph.node('mean/Mul', 'Mul', [sum, half]), shape);
    row.heads.forEach((head, index) => graph.output(head.replace('classifier', 'logits'), logits[index]!, shape));
  }
}
