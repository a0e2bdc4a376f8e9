import { linear, type Draft } from './draft.ts';

export interface Attention {
  /** Of the residual stream. */
  readonly hidden: number;
  readonly heads: number;
  /** -1 where their number varies. */
  readonly tokens: number;
  readonly bias: boolean;
  /** Where the three projections stand, and under which names the checkpoint has them: [query, key, value]. */
  readonly projections: readonly (readonly [at: string, from: string])[];
  /** Adds masks and position biases: [batch, heads, tokens, tokens] both ways. */
  readonly adjust?: (logits: string) => string;
}

/** Softmax(q kᵀ / √depth, adjusted) v: [batch, tokens, hidden] both ways. */
export function attention(draft: Draft, at: string, x: string, options: Attention): string {
  const { hidden, heads, tokens, bias, projections, adjust = (logits) => logits } = options;
  const shape = { heads, depth: hidden / heads, tokens };
  const [query, key, value] = projections.map(([place, from]) =>
    linear(draft, place, from, x, [hidden, hidden], bias),
  ) as [string, string, string];
  const logits = draft.graph.node(`${at}/AttentionLogits`, 'AttentionLogits', [query, key], {
    ...shape,
    factor: 1 / Math.sqrt(shape.depth),
  });
  const weights = draft.graph.node(`${at}/Softmax`, 'Softmax', [adjust(logits)]);
  return draft.graph.node(`${at}/AttentionContext`, 'AttentionContext', [weights, value], shape);
}
