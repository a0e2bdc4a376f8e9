import { onLevels, type Histogram, type StoredQuantizer } from '@cq/core';
import { decibels } from './scales.ts';

export interface Chosen<Of> {
  readonly quantizer: Of;
  /** Which of the candidates it was, from 0. */
  readonly candidate: number;
  readonly sqnr: number;
}

/** The candidate with the least squared error on what a histogram counted, each bin standing at its middle. */
export function leastError<Of extends StoredQuantizer>(seen: Histogram, candidates: readonly Of[]): Chosen<Of> {
  const { counts, width } = seen;
  const half = counts.length / 2;
  const middles = Float32Array.from(counts, (_, i) => (i + 0.5 - half) * width);
  const errors = candidates.map((quantizer) => {
    const levels = onLevels(middles, [middles.length], quantizer);
    return weighted(counts, (i) => (middles[i]! - levels[i]!) ** 2);
  });
  const candidate = indexOfLeast(errors);
  const signal = weighted(counts, (i) => middles[i]! ** 2);
  return { quantizer: candidates[candidate]!, candidate, sqnr: decibels(signal, errors[candidate]!) };
}

/** The first of the least. */
export function indexOfLeast(values: ArrayLike<number>): number {
  let least = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! < values[least]!) least = i;
  return least;
}

function weighted(counts: Float64Array, term: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) if (counts[i]! > 0) sum += counts[i]! * term(i);
  return sum;
}
