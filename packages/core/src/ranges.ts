import { clamp, codeRange, roundHalfEven } from './runtime/arithmetic.ts';
import type { Histogram } from './statistics.ts';

/** How the range that the codes span is chosen. */
export type RangeMethod = 'min-max' | 'percentile' | 'mse';

/** Every way to find a range, for checks of options. */
export const rangeMethods: readonly RangeMethod[] = ['min-max', 'percentile', 'mse'];

/** Between which real numbers codes lie, both included. */
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

const { ceil } = Math;

/**
 * The clip for symmetric `bits`-bit codes of one weight channel: of `max · (1 − i / 100)`, i = 0…49, the one with the
 * least squared error; or the maximum itself.
 */
export function weightMax(values: Float32Array, method: RangeMethod, bits: number): number {
  const magnitudes = values.map(magnitude);
  let max = 0;
  for (const size of magnitudes) if (size > max) max = size;
  if (method === 'min-max' || max === 0) return max;
  if (method === 'percentile') {
    magnitudes.sort();
    return magnitudes[clamp(ceil(magnitudes.length * 0.99999) - 1, 0, magnitudes.length - 1)]!;
  }
  const [low, high] = codeRange(bits);
  let best = max;
  let least = Infinity;
  for (let i = 0; i < 50; i++) {
    const clip = max * (1 - i / 100);
    const scale = clip / high;
    let error = 0;
    for (let j = 0; j < values.length && error < least; j++) {
      const value = values[j]!;
      const distance = value - clamp(roundHalfEven(value / scale), low, high) * scale;
      error += distance * distance;
    }
    if (error < least) [best, least] = [clip, error];
  }
  return best;
}

const magnitude = (value: number): number => (value < 0 ? -value : value);

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
