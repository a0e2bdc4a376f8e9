import { build } from '@cq/core';
import { z } from 'zod';
import { integers, layerNorm, linear, pad, permute, reshape, type Draft } from './draft.ts';
import type { Family } from './family.ts';
import { activationName, epsilon, flag, imageSize, patchSize, positive } from './fields.ts';
import { patchEmbeddings } from './patches.ts';
import { swinBlock, type Picture } from './swin-block.ts';

export type SwinFields = z.infer<typeof swinFields>;

const listRule = 'must be a list of positive integers, one per stage';
const list = z.array(z.int(listRule).positive(listRule), listRule).min(1, listRule).readonly();

const swinFields = z.object({
  embed_dim: positive.default(96),
  depths: list.default([2, 2, 6, 2]),
  num_heads: list.default([3, 6, 12, 24]),
  window_size: positive.default(7),
  mlp_ratio: z.number('must be a positive number').positive('must be a positive number').default(4),
  qkv_bias: flag.default(true),
  hidden_act: activationName.default('gelu'),
  use_absolute_embeddings: flag.default(false),
  layer_norm_eps: epsilon.default(1e-5),
  image_size: imageSize.default([224, 224]),
  patch_size: patchSize.default(4),
  num_channels: positive.default(3),
});

export interface SwinRow {
  /** In front of the names of all tensors but the head's. */
  readonly prefix: string;
  /** None: the model shows its hidden state. */
  readonly head?: string;
}

/** The norms of embeddings and mergings are PyTorch's own, whatever `layer_norm_eps` is. */
const PLAIN_EPSILON = 1e-5;

/**
 * Transformers over windows of a picture, which halve its sides from stage to stage.
 * Source: Liu et al. 2021 (Swin).
 */
export const swin: Family<SwinFields, SwinRow> = {
  fields: swinFields,
  unsupported: {},
  check(config) {
    const { depths, num_heads: heads, window_size: side } = config;
    if (heads.length !== depths.length)
      return `num_heads must have one entry per stage of depths, got ${heads.length} and ${depths.length}`;
    for (const [stage, { height, width, channels }] of stages(config).entries()) {
      if (channels % heads[stage]! !== 0)
        return `num_heads of stage ${stage + 1} must divide its ${channels} channels, got ${heads[stage]}`;
      if (Math.min(height, width) < side)
        return `window_size must be at most the sides of every stage, got ${side} and ${height} × ${width} in stage ${stage + 1}`;
    }
    return true;
  },

  graph({ config, row, labels, checkpoint, metadata }) {
    const graph = build();
    const draft: Draft = { graph, checkpoint };
    const pictures = stages(config);
    let x = embeddings(draft, config, row.prefix); // [batch, height · width, channels]
    for (const [stage, picture] of pictures.entries()) {
      for (let block = 0; block < config.depths[stage]!; block++) {
        x = swinBlock(draft, row.prefix, stage, block, x, picture, config);
      }
      if (stage < pictures.length - 1) x = merged(draft, row.prefix, stage, x, picture);
    }
    const { height, width, channels } = pictures.at(-1)!;
    const state = layerNorm(draft, 'layernorm', `${row.prefix}layernorm`, x, channels, config.layer_norm_eps);
    const pooled = graph.node('pooler/Mean', 'Mean', [state, integers(draft, 'pooler/axis', [1])], {
      keep_dims: false,
    });
    if (row.head !== undefined) {
      const logits = linear(draft, row.head, row.head, pooled, [channels, labels.length]);
      graph.output('logits', logits, [-1, labels.length]);
    } else {
      graph.output('last_hidden_state', state, [-1, height * width, channels]);
      graph.output('pooler_output', pooled, [-1, channels]);
    }
    checkpoint.finish(ignored(config, row.prefix));
    return graph.graph(metadata);
  },
};

/** What each stage works on. Sides that do not divide are padded: patches to whole ones, tokens to pairs. */
function stages({ image_size: image, patch_size: patch, embed_dim: channels, depths }: SwinFields): Picture[] {
  const pictures: Picture[] = [];
  let [height, width] = image.map((side) => Math.ceil(side / patch)) as [number, number];
  for (let stage = 0; stage < depths.length; stage++) {
    pictures.push({ height, width, channels: channels * 2 ** stage });
    [height, width] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  }
  return pictures;
}

/** norm(patches), and positions where the model has absolute ones. */
function embeddings(draft: Draft, config: SwinFields, prefix: string): string {
  const { graph, checkpoint } = draft;
  const { num_channels: channels, embed_dim: hidden, patch_size: size, image_size: image } = config;
  const grid = image.map((side) => Math.ceil(side / size)) as [number, number];
  const pixels = graph.input('pixel_values', 'float32', [-1, channels, ...image]);
  const from = `${prefix}embeddings`;
  const patches = patchEmbeddings(draft, `${from}.patch_embeddings.projection`, pixels, {
    ...{ channels, hidden, size, image, grid },
  });
  const normalized = layerNorm(draft, 'embeddings/norm', `${from}.norm`, patches, hidden, PLAIN_EPSILON);
  if (!config.use_absolute_embeddings) return normalized;
  const name = `${from}.position_embeddings`;
  const shape = [1, grid[0] * grid[1], hidden];
  const positions = graph.weight(name, shape, checkpoint.take(name, shape));
  return graph.node('embeddings/AddV2', 'AddV2', [normalized, positions]);
}

/** Four neighbours become one token: norm, then a product that halves their channels. Half the height and width. */
function merged(draft: Draft, prefix: string, stage: number, x: string, picture: Picture): string {
  const { height, width, channels } = picture;
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const at = `encoder/layers.${stage}/downsample`;
  const from = `${prefix}encoder.layers.${stage}.downsample`;
  let y = x;
  if (height % 2 === 1 || width % 2 === 1) {
    y = reshape(draft, `${at}/picture/Reshape`, y, [-1, height, width, channels]);
    y = pad(draft, `${at}/Pad`, y, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]]); // prettier-ignore
  }
  y = reshape(draft, `${at}/split/Reshape`, y, [-1, rows, 2, columns, 2, channels]);
  y = permute(draft, `${at}/Transpose`, y, [0, 1, 3, 4, 2, 5]); // upper left, lower left, upper right, lower right
  y = reshape(draft, `${at}/Reshape`, y, [-1, rows * columns, 4 * channels]);
  y = layerNorm(draft, `${at}/norm`, `${from}.norm`, y, 4 * channels, PLAIN_EPSILON);
  return linear(draft, `${at}/reduction`, `${from}.reduction`, y, [4 * channels, 2 * channels], false);
}

/** Tensors that no output here depends on: indices that older versions stored, the token of masked pre-training. */
function ignored({ depths }: SwinFields, prefix: string): string[] {
  const indices = depths.flatMap((depth, stage) =>
    Array.from(
      { length: depth },
      (_, block) => `encoder.layers.${stage}.blocks.${block}.attention.self.relative_position_index`,
    ),
  );
  return [...indices, 'embeddings.mask_token'].map((name) => prefix + name);
}
