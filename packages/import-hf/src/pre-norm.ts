import { attention } from './attention.ts';
import { activation, layerNorm, linear, type Activation, type Draft } from './draft.ts';

export interface PreNorm {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_attention_heads: number;
  readonly hidden_act: Activation;
  readonly layer_norm_eps: number;
  readonly qkv_bias: boolean;
}

/** x + attention(norm(x)), then x + mlp(norm(x)): the block of ViT, DeiT and YOLOS. */
export function preNormBlock(
  draft: Draft,
  at: string,
  from: string,
  x: string,
  tokens: number,
  config: PreNorm,
): string {
  const { hidden_size: hidden, num_attention_heads: heads, qkv_bias: bias, layer_norm_eps: epsilon } = config;
  const normalized = layerNorm(draft, `${at}/layernorm_before`, `${from}.layernorm_before`, x, hidden, epsilon);
  const context = attention(draft, `${at}/attention`, normalized, {
    ...{ hidden, heads, tokens, bias },
    projections: ['query', 'key', 'value'].map((role) => [
      `${at}/attention/${role}`,
      `${from}.attention.attention.${role}`,
    ]),
  });
  const output = `${at}/attention/output`;
  const attended = linear(draft, output, `${from}.attention.output.dense`, context, [hidden, hidden]);
  const residual = draft.graph.node(`${output}/AddV2`, 'AddV2', [attended, x]);
  return preNormMlp(draft, at, from, residual, config);
}

/** x + mlp(norm(x)); the branch is the first operand of the addition. */
export function preNormMlp(
  draft: Draft,
  at: string,
  from: string,
  x: string,
  config: Pick<PreNorm, 'hidden_size' | 'intermediate_size' | 'hidden_act' | 'layer_norm_eps'>,
): string {
  const { hidden_size: hidden, intermediate_size: inner, hidden_act: act, layer_norm_eps: epsilon } = config;
  const normalized = layerNorm(draft, `${at}/layernorm_after`, `${from}.layernorm_after`, x, hidden, epsilon);
  const up = linear(draft, `${at}/intermediate`, `${from}.intermediate.dense`, normalized, [hidden, inner]);
  const activated = activation(draft, `${at}/intermediate`, up, act);
  const down = linear(draft, `${at}/output`, `${from}.output.dense`, activated, [inner, hidden]);
  return draft.graph.node(`${at}/output/AddV2`, 'AddV2', [down, x]);
}
