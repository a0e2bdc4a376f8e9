import { attention } from './attention.ts';
import { activation, layerNorm, linear, type Draft } from './draft.ts';
import type { TextFields } from './text-fields.ts';

/** The names of a block's modules, which BERT and DistilBERT spell differently. */
export interface PostNormModules {
  /** The list of blocks. */
  readonly list: string;
  readonly projections: readonly [query: string, key: string, value: string];
  readonly attended: string;
  readonly attendedNorm: string;
  readonly up: string;
  readonly down: string;
  readonly outputNorm: string;
}

export const bertModules: PostNormModules = {
  list: 'encoder.layer',
  projections: ['attention.self.query', 'attention.self.key', 'attention.self.value'],
  attended: 'attention.output.dense',
  attendedNorm: 'attention.output.LayerNorm',
  up: 'intermediate.dense',
  down: 'output.dense',
  outputNorm: 'output.LayerNorm',
};

export const distilbertModules: PostNormModules = {
  list: 'transformer.layer',
  projections: ['attention.q_lin', 'attention.k_lin', 'attention.v_lin'],
  attended: 'attention.out_lin',
  attendedNorm: 'sa_layer_norm',
  up: 'ffn.lin1',
  down: 'ffn.lin2',
  outputNorm: 'output_layer_norm',
};

/** norm(attention(x) + x), then norm(mlp(x) + x); the branch is the first operand of both additions. */
export function postNormBlock(
  draft: Draft,
  prefix: string,
  layer: number,
  x: string,
  mask: string,
  config: TextFields,
  modules: PostNormModules,
): string {
  const { hidden_size: hidden, intermediate_size: inner, num_attention_heads: heads, layer_norm_eps: eps } = config;
  const at = (module: string): string => `${modules.list.replace('.', '/')}.${layer}/${module.replaceAll('.', '/')}`;
  const from = (module: string): string => `${prefix}${modules.list}.${layer}.${module}`;
  const add = (module: string, branch: string, residual: string): string =>
    draft.graph.node(`${at(module)}/AddV2`, 'AddV2', [branch, residual]);
  const dense = (module: string, value: string, sizes: readonly [number, number]): string =>
    linear(draft, at(module), from(module), value, sizes);
  const norm = (module: string, value: string): string =>
    layerNorm(draft, at(module), from(module), value, hidden, eps);

  const context = attention(draft, at('attention'), x, {
    ...{ hidden, heads, tokens: -1, bias: true },
    projections: modules.projections.map((module) => [at(module), from(module)]),
    adjust: (logits) => draft.graph.node(`${at('attention')}/mask/AddV2`, 'AddV2', [logits, mask]),
  });
  const attended = dense(modules.attended, context, [hidden, hidden]);
  const middle = norm(modules.attendedNorm, add(modules.attended, attended, x));
  const up = activation(draft, at(modules.up), dense(modules.up, middle, [hidden, inner]), config.hidden_act);
  const down = dense(modules.down, up, [inner, hidden]);
  return norm(modules.outputNorm, add(modules.down, down, middle));
}
