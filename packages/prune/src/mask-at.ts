import { CqError } from '@cq/core';

/**
 * A mask (1 = keep) without the entries of the lowest scores: `sparsity · length` of them, rounded; of equal scores the
 * first. Below 1 at least one entry stays. A score of −∞ stands for an entry that is to go first, as one does that is
 * masked already; so a mask that grows as its sparsity rises never gives an entry back.
 *
 * Source: Han et al. 2015; Zhu & Gupta 2017 (with a schedule).
 * @param sparsity In [0, 1].
 * @throws CqError if a score is NaN.
 */
export function maskAt(scores: Float32Array, sparsity: number): Float32Array {
  if (!(sparsity >= 0 && sparsity <= 1)) throw new CqError(`prune: sparsity must be in [0, 1], got ${sparsity}`);
  if (scores.some(Number.isNaN)) throw new CqError(`prune: a score must be a number, got NaN`);
  const { length } = scores;
  const dropped = sparsity === 1 ? length : Math.min(Math.round(sparsity * length), Math.max(length - 1, 0));
  const mask = new Float32Array(length).fill(1);
  if (dropped === 0) return mask;
  const threshold = scores.slice().sort()[dropped - 1]!;
  let left = dropped;
  for (let i = 0; i < length; i++) {
    if (scores[i]! < threshold) {
      mask[i] = 0;
      left--;
    }
  }
  for (let i = 0; left > 0; i++) {
    if (scores[i] === threshold) {
      mask[i] = 0;
      left--;
    }
  }
  return mask;
}
