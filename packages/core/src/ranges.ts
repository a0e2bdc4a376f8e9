import { codeRange } from './runtime/arithmetic.ts';
import type { Histogram } from './statistics.ts';

/** How the range that the codes span is chosen. */
export type RangeMethod = 'min-max' | 'percentile' | 'mse';

export const rangeMethods: readonly RangeMethod[] = ['min-max', 'percentile', 'mse'];

export interface Range {
  readonly low: number;
  readonly high: number;
}

/**
 * The range for `bits`-bit codes of an activation:
 * - `min-max`: all that was seen;
 * - `percentile`: without the outermost 0.001 % (FQ-ViT's 0.99999);
 * - `mse`: of the ranges `[min, max] · (1 − i / 100)`, i = 0…89, the one with the least squared error (FQ-ViT's OMSE).
 */
export function activationRange(histogram: Histogram, method: RangeMethod, bits: number): Range {
  const { min, max } = histogram;
  if (method === 'percentile') return quantileRange(histogram, 0.99999);
  if (method === 'min-max') return { low: min, high: max };
  return leastError(
    Array.from({ length: 90 }, (_, i) => ({ low: min * (1 - i / 100), high: max * (1 - i / 100) })),
    (range) => histogramError(histogram, range, bits),
  );
}

/** The least range that leaves out at most a fraction `1 − quantile` of the values at either end. */
export function quantileRange({ counts, width, count, min, max }: Histogram, quantile: number): Range {
  const half = counts.length / 2;
  const allowed = count * (1 - quantile);
  let low = 0;
  for (let seen = counts[0]!; seen <= allowed; seen += counts[++low]!);
  let high = counts.length - 1;
  for (let seen = counts[high]!; seen <= allowed; seen += counts[--high]!);
  return { low: Math.max(min, (low - half) * width), high: Math.min(max, (high + 1 - half) * width) };
}

/** Sum of squared errors of codes over a range, each bin standing at its middle. */
function histogramError({ counts, width }: Histogram, { low, high }: Range, bits: number): number {
  const [first, last] = codeRange(bits, false);
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = (to - from) / (last - first);
  if (scale === 0) return 0;
  const half = counts.length / 2;
  let error = 0;
  for (let i = 0; i < counts.length; i++) {
    const occurrences = counts[i]!;
    if (occurrences === 0) continue;
    const x = (i + 0.5 - half) * width;
    const level = Math.min(last, Math.max(first, Math.round((x - from) / scale))) * scale + from;
    error += occurrences * (x - level) ** 2;
  }
  return error;
}

/**
 * The clip for symmetric `bits`-bit codes of one weight channel: of `max · (1 − i / 100)`, i = 0…49, the one with the
 * least squared error; or the maximum itself.
 */
export function weightMax(values: Float32Array, method: RangeMethod, bits: number): number {
  let max = 0;
  for (const value of values) max = Math.max(max, Math.abs(value));
  if (method === 'min-max' || max === 0) return max;
  if (method === 'percentile') {
    const magnitudes = Float32Array.from(values, Math.abs).sort();
    return magnitudes[Math.min(magnitudes.length - 1, Math.ceil(magnitudes.length * 0.99999) - 1)]!;
  }
  const top = 2 ** (bits - 1) - 1;
  const { high } = leastError(
    Array.from({ length: 50 }, (_, i) => ({ low: 0, high: max * (1 - i / 100) })),
    ({ high: clip }) => {
      const scale = clip / top;
      let error = 0;
      for (const value of values) {
        const level = Math.min(top, Math.max(-top - 1, Math.round(value / scale))) * scale;
        error += (value - level) ** 2;
      }
      return error;
    },
  );
  return high;
}

/** The first of the candidates with the least error. */
function leastError(candidates: readonly Range[], error: (range: Range) => number): Range {
  let best = candidates[0]!;
  let least = Infinity;
  for (const candidate of candidates) {
    const current = error(candidate);
    if (current < least) [best, least] = [candidate, current];
  }
  return best;
}
