/** The class with the largest logit; of equal ones the first. */
export function topClass(logits: ArrayLike<number>): number {
  let top = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[top]!) top = i;
  return top;
}

/**
 * Whether the label is among the `k` classes with the largest logits; of equal ones the first stand first. NaN never
 * helps: it stands above every number, and a label whose own logit it is has missed.
 */
export function isHit(logits: ArrayLike<number>, label: number, k = 1): boolean {
  const own = logits[label];
  if (own === undefined || Number.isNaN(own)) return false;
  let above = 0;
  for (let i = 0; i < logits.length; i++) {
    const other = logits[i]!;
    if (!(other < own) && (other !== own || i < label)) above++;
  }
  return above < k;
}
