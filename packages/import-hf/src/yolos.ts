import { build } from '@cq/core';
import type { z } from 'zod';
import { layerNorm, linear, pad, slice, type Draft } from './draft.ts';
import type { Family } from './family.ts';
import { flag, headsDivide, imageSize, positive } from './fields.ts';
import { patchEmbeddings } from './patches.ts';
import { preNormBlock } from './pre-norm.ts';
import { vitFields } from './vit.ts';

type YolosFields = z.infer<typeof yolosFields>;

const yolosFields = vitFields.extend({
  image_size: imageSize.default([512, 864]),
  num_detection_tokens: positive.default(100),
  use_mid_position_embeddings: flag.default(true),
});

/**
 * A Vision Transformer that detects objects: learned detection tokens behind the patches, each of which the last layer
 * reads as a class (the last one: no object) and a box [centre x, centre y, width, height] in fractions of the image.
 * Source: Fang et al. 2021 (YOLOS).
 */
export const yolos: Family<YolosFields, Record<string, never>> = {
  fields: yolosFields,
  unsupported: {},
  check({ image_size: image, patch_size: patch, ...config }) {
    if (image.some((side) => side < patch))
      return `image_size must be at least patch_size, got ${image.join(' × ')} and ${patch}`;
    return headsDivide(config);
  },

  graph({ config, labels, checkpoint, metadata }) {
    const { hidden_size: hidden, num_detection_tokens: detections, num_hidden_layers: layers } = config;
    const graph = build();
    const draft: Draft = { graph, checkpoint };
    // A convolution leaves out what its last whole patch does not reach.
    const grid = config.image_size.map((side) => Math.floor(side / config.patch_size)) as [number, number];
    const rows = 1 + grid[0] * grid[1] + detections;

    let x = embeddings(draft, config, grid, rows); // [batch, rows, hidden]
    const middle = config.use_mid_position_embeddings ? middlePositions(draft, config, rows) : [];
    for (let layer = 0; layer < layers; layer++) {
      const at = `encoder/layer.${layer}`;
      x = preNormBlock(draft, at, `vit.encoder.layer.${layer}`, x, rows, config);
      const positions = middle[layer];
      if (positions) x = graph.node(`${at}/mid_position_embeddings/AddV2`, 'AddV2', [x, positions]);
    }
    const state = layerNorm(draft, 'layernorm', 'vit.layernorm', x, hidden, config.layer_norm_eps);
    const tokens = slice(draft, 'detection_tokens/Slice', state, [0, rows - detections, 0], [-1, detections, -1]);
    const classes = labels.length + 1;
    graph.output('logits', head(draft, 'class_labels_classifier', tokens, hidden, classes), [-1, detections, classes]);
    const box = head(draft, 'bbox_predictor', tokens, hidden, 4);
    graph.output('pred_boxes', graph.node('bbox_predictor/Sigmoid', 'Sigmoid', [box]), [-1, detections, 4]);
    checkpoint.finish(ignored);
    return graph.graph(metadata);
  },
};

/** A pooler that object detection does not read. */
const ignored: readonly string[] = ['vit.pooler.dense.weight', 'vit.pooler.dense.bias'];

/** Pad (a zero row in front, zero rows behind) ─► AddV2 (class token, detection tokens and positions in one constant) */
function embeddings(
  draft: Draft,
  config: YolosFields,
  grid: readonly [rows: number, columns: number],
  rows: number,
): string {
  const { graph, checkpoint } = draft;
  const { hidden_size: hidden, num_channels: channels, patch_size: size, image_size: image } = config;
  const detections = config.num_detection_tokens;
  const pixels = graph.input('pixel_values', 'float32', [-1, channels, ...image]);
  const from = 'vit.embeddings';
  const patches = patchEmbeddings(draft, `${from}.patch_embeddings.projection`, pixels, {
    ...{ channels, hidden, size, image, grid },
  });
  const padded = pad(draft, 'embeddings/Pad', patches, [[0, 0], [1, detections], [0, 0]]); // prettier-ignore

  const name = `${from}.position_embeddings`;
  const positions = checkpoint.take(name, [1, rows, hidden]).slice();
  const add = (tokens: Float32Array, row: number): void =>
    tokens.forEach((value, i) => (positions[row * hidden + i]! += value));
  add(checkpoint.take(`${from}.cls_token`, [1, 1, hidden]), 0);
  add(checkpoint.take(`${from}.detection_tokens`, [1, detections, hidden]), rows - detections);
  return graph.node('embeddings/AddV2', 'AddV2', [padded, graph.weight(name, [1, rows, hidden], positions)]);
}

/** One constant per block but the last, added to what the block leaves. */
function middlePositions({ graph, checkpoint }: Draft, config: YolosFields, rows: number): string[] {
  const { hidden_size: hidden, num_hidden_layers: layers } = config;
  const name = 'vit.encoder.mid_position_embeddings';
  const all = checkpoint.take(name, [layers - 1, 1, rows, hidden]);
  const size = rows * hidden;
  return Array.from({ length: layers - 1 }, (_, i) =>
    graph.weight(`${name}.${i}`, [1, rows, hidden], all.slice(i * size, (i + 1) * size)),
  );
}

/** Three layers with Relu between: [batch, tokens, hidden] → [batch, tokens, outputs] */
function head(draft: Draft, name: string, x: string, hidden: number, outputs: number): string {
  let y = x;
  for (const [index, size] of [hidden, hidden, outputs].entries()) {
    const at = `${name}/layers.${index}`;
    y = linear(draft, at, `${name}.layers.${index}`, y, [hidden, size]);
    if (index < 2) y = draft.graph.node(`${at}/Relu`, 'Relu', [y]);
  }
  return y;
}
