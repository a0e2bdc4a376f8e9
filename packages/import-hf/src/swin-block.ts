import { attention } from './attention.ts';
import { layerNorm, linear, reshape, type Draft } from './draft.ts';
import { preNormMlp } from './pre-norm.ts';
import type { SwinFields } from './swin.ts';
import { relativePositionBias, shiftMask } from './window-bias.ts';
import { partition, reverse, windowCount, type Windows } from './windows.ts';

/** The tokens of a stage. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * x + dense(attention within windows of norm(x)), then x + mlp(norm(x)). Every other block shifts the picture by half a
 * window. The dense layer stands behind the way back from windows, unlike in Hugging Face: it treats every token alike,
 * so the numbers are the same, and the branch is a dense layer as in other models.
 */
export function swinBlock(
  draft: Draft,
  prefix: string,
  stage: number,
  block: number,
  x: string,
  picture: Picture,
  config: SwinFields,
): string {
  const at = `encoder/layers.${stage}/blocks.${block}`;
  const from = `${prefix}encoder.layers.${stage}.blocks.${block}`;
  const { channels: hidden, height, width } = picture;
  const { window_size: side, num_heads, mlp_ratio: ratio, qkv_bias: bias, layer_norm_eps: epsilon } = config;
  const heads = num_heads[stage]!;
  const whole = Math.min(height, width) <= side; // nothing to shift
  const windows: Windows = { ...picture, side, shift: block % 2 === 0 || whole ? 0 : Math.floor(side / 2) };

  const normalized = layerNorm(draft, `${at}/layernorm_before`, `${from}.layernorm_before`, x, hidden, epsilon);
  const cut = partition(draft, `${at}/partition`, normalized, windows); // [batch · windows, side², hidden]
  const context = attention(draft, `${at}/attention`, cut, {
    ...{ hidden, heads, bias, tokens: side * side },
    projections: ['query', 'key', 'value'].map((role) => [`${at}/attention/${role}`, `${from}.attention.self.${role}`]),
    adjust(logits) {
      const biased = placed(draft, `${at}/attention/position`, `${from}.attention.self`, logits, heads, side);
      return shifted(draft, `${at}/attention/shift`, biased, heads, windows);
    },
  });
  const joined = reverse(draft, `${at}/reverse`, context, windows);
  const dense = linear(draft, `${at}/attention/output`, `${from}.attention.output.dense`, joined, [hidden, hidden]);
  const residual = draft.graph.node(`${at}/attention/output/AddV2`, 'AddV2', [dense, x]);
  const inner = Math.trunc(hidden * ratio);
  return preNormMlp(draft, at, from, residual, { ...config, hidden_size: hidden, intermediate_size: inner });
}

/** AddV2 of what was learned for the way from one token to another. */
function placed({ graph, checkpoint }: Draft, at: string, from: string, logits: string, heads: number, side: number) {
  const name = `${from}.relative_position_bias_table`;
  const table = checkpoint.take(name, [(2 * side - 1) ** 2, heads]);
  const bias = graph.weight(name, [heads, side ** 2, side ** 2], relativePositionBias(table, heads, side));
  return graph.node(`${at}/AddV2`, 'AddV2', [logits, bias]);
}

/** AddV2 of the mask of each window: [batch · windows, heads, side², side²] seen as [batch, windows, heads, side², side²] */
function shifted(draft: Draft, at: string, logits: string, heads: number, windows: Windows): string {
  if (windows.shift === 0) return logits;
  const [count, tokens] = [windowCount(windows), windows.side ** 2];
  const apart = reshape(draft, `${at}/split/Reshape`, logits, [-1, count, heads, tokens, tokens]);
  const mask = draft.graph.weight(`${at}/mask`, [count, 1, tokens, tokens], shiftMask(windows));
  const masked = draft.graph.node(`${at}/AddV2`, 'AddV2', [apart, mask]);
  return reshape(draft, `${at}/Reshape`, masked, [-1, heads, tokens, tokens]);
}
