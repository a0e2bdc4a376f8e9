import type { StoredQuantizer } from '@cq/core';
import { attentionEnergy, attentionError } from './attention-error.ts';
import type { AttentionSample } from './attention-sample.ts';
import { logarithmic, truncated, type Exponents, type Log2Kind } from './log2-quantizer.ts';

export interface Searched {
  readonly quantizer: StoredQuantizer;
  /** ‖A V − Â V‖² / ‖A V‖² */
  readonly error: number;
  /** The best for each head alone, of those that were tried, and what the common one errs there. */
  readonly heads: readonly { readonly quantizer: StoredQuantizer; readonly error: number }[];
}

/** Step of the grid of L and T, and how far they reach. */
const STEP = 0.5;
const [MOST_LOWER, MOST_TRUNCATION] = [4, 20];

/**
 * The codes of one kind with which attention's output errs least: of uniform-log2 among L in [0, 4] and T in [L + 1, 20] by
 * steps of 0.5 (by steps of 2 first, then around the best), of the others among scales 2^(−k / 4). Methods 4.2.
 */
export function searchCodes(
  samples: readonly AttentionSample[],
  bits: number,
  kind: Log2Kind,
  exponents: readonly Exponents[],
): Searched {
  const tried = trial(samples);
  if (kind !== 'uniform-log2') {
    tried(Array.from({ length: 13 }, (_, k) => logarithmic(bits, kind, Math.fround(2 ** (-k / 4)))));
    return tried([]);
  }
  for (const one of exponents) {
    const pairs = (...around: Parameters<typeof grid>) =>
      grid(...around).map(([lower, truncation]) => truncated(bits, one, { lower, truncation }));
    const coarse = trial(samples)(pairs(0, MOST_LOWER, 0, MOST_TRUNCATION, 4 * STEP));
    const { lower, truncation } = coarse.quantizer as ReturnType<typeof truncated>;
    const reach = 3 * STEP;
    tried(pairs(lower - reach, lower + reach, truncation - reach, truncation + reach, STEP));
  }
  return tried([]);
}

/** All pairs L, T of a grid that lie where L and T may. */
function grid(fromL: number, toL: number, fromT: number, toT: number, step: number): [number, number][] {
  const found: [number, number][] = [];
  for (let l = Math.max(0, fromL); l <= Math.min(toL, MOST_LOWER); l += step) {
    for (let t = Math.max(l + 1, fromT); t <= Math.min(toT, MOST_TRUNCATION); t += step) found.push([l, t]);
  }
  return found;
}

/** The best of all candidates that it was given so far. */
function trial(samples: readonly AttentionSample[]): (candidates: readonly StoredQuantizer[]) => Searched {
  const count = Math.max(...samples.map(({ head }) => head)) + 1;
  const perHead = (of: (sample: AttentionSample) => number): number[] => {
    const sums = new Array<number>(count).fill(0);
    for (const sample of samples) sums[sample.head]! += of(sample);
    return sums;
  };
  const total = (errors: readonly number[]): number => errors.reduce((sum, error) => sum + error, 0);
  const energies = perHead(attentionEnergy);
  const all: { readonly quantizer: StoredQuantizer; readonly errors: readonly number[] }[] = [];
  return (candidates) => {
    for (const quantizer of candidates) {
      all.push({ quantizer, errors: perHead((sample) => attentionError(sample, quantizer)) });
    }
    const least = (of: (errors: readonly number[]) => number) =>
      all.reduce((a, b) => (of(b.errors) < of(a.errors) ? b : a));
    const best = least(total);
    return {
      quantizer: best.quantizer,
      error: total(best.errors) / (total(energies) || 1),
      heads: energies.map((energy, head) => ({
        quantizer: least((errors) => errors[head]!).quantizer,
        error: best.errors[head]! / (energy || 1),
      })),
    };
  };
}
