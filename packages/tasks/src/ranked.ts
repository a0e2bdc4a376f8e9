import type { Score } from './classifier.ts';

/** The softmax of `logits`: the `top` likeliest classes, the likeliest first, ties in order of their index. */
export function ranked(logits: ArrayLike<number>, labels: readonly string[], top: number): Score[] {
  const values = Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = values.map((logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights
    .map((weight, index) => ({ label: labels[index] ?? String(index), score: weight / sum }))
    .sort((a, b) => b.score - a.score)
    .slice(0, top);
}
