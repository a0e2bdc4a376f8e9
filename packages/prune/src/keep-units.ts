import type { Group, Structure } from './groups.ts';
import { maskAt } from './mask-at.ts';

/** Which units compete for being kept: those of all weights, of one weight, of one output of a weight. */
export type Granularity = 'global' | 'per-layer' | 'per-output';

export interface Competition {
  /** What is kept or dropped as one. */
  readonly structure: Structure;
  /** Fraction of what competes that is dropped, in [0, 1), what is masked already included. `n:m` has its own. */
  readonly sparsity: number;
  /** What competes. `per-output` goes with `unstructured` alone. */
  readonly granularity: Granularity;
  /** `n:m`: so many of every `m` consecutive inputs of an output are kept. */
  readonly n: number;
  readonly m: number;
}

/** For every group, which of its units are kept: 1 or 0. */
export function keepUnits(
  groups: readonly Group[],
  scores: readonly Float32Array[],
  { structure, sparsity, granularity, n, m }: Competition,
): readonly Float32Array[] {
  if (structure === 'n:m') return groups.map((group, i) => alongInputs(group, scores[i]!, m, 1 - n / m));
  if (granularity === 'per-output') return groups.map((group, i) => alongInputs(group, scores[i]!, Infinity, sparsity));
  if (granularity === 'per-layer') return scores.map((own) => maskAt(own, sparsity));
  const starts = scores.map((_, i) => scores.slice(0, i).reduce((total, { length }) => total + length, 0));
  const all = new Float32Array(scores.reduce((total, { length }) => total + length, 0));
  for (const [i, own] of scores.entries()) all.set(own, starts[i]);
  const mask = maskAt(all, sparsity);
  return scores.map(({ length }, i) => mask.subarray(starts[i]!, starts[i]! + length));
}

/** Entries of a matrix compete with at most `count` consecutive inputs of one output. */
function alongInputs(
  { layers: [{ weight, outputAxis }] }: Group,
  scores: Float32Array,
  count: number,
  sparsity: number,
) {
  const [outputs, inputs] = [weight.shape[outputAxis]!, weight.shape[1 - outputAxis]!];
  const [perOutput, perInput] = outputAxis === 1 ? [1, outputs] : [inputs, 1];
  const mask = new Float32Array(scores.length);
  for (let output = 0; output < outputs; output++) {
    for (let first = 0; first < inputs; first += count) {
      const length = Math.min(count, inputs - first);
      const place = (i: number): number => output * perOutput + (first + i) * perInput;
      const keep = maskAt(
        Float32Array.from({ length }, (_, i) => scores[place(i)]!),
        sparsity,
      );
      for (let i = 0; i < length; i++) mask[place(i)] = keep[i]!;
    }
  }
  return mask;
}
