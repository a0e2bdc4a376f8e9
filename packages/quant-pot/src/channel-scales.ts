import { CqError, type Rows } from '@cq/core';
import { candidateScales, decibels, type Scales } from './scales.ts';
import { indexOfLeast } from './tensor-scale.ts';

/** The largest magnitude of every channel. */
export function channelMaxima(value: string, { data, channels }: Rows): Float64Array {
  const maxima = new Float64Array(channels);
  for (let i = 0, c = 0; i < data.length; i++, c = c + 1 === channels ? 0 : c + 1) {
    const size = data[i]! < 0 ? -data[i]! : data[i]!;
    if (!(size <= maxima[c]!)) maxima[c] = size;
  }
  if (maxima.every(Number.isFinite)) return maxima;
  throw new CqError(`quantize-pot: "${value}" takes NaN or infinite values on this data; check the data`);
}

/** @throws CqError if a LayerNorm that reads these tokens has nothing to divide by. */
export function ensureVariance(value: string, { data, channels }: Rows): void {
  if (data.some((x, i) => x !== data[i - (i % channels)])) return;
  throw new CqError(
    `quantize-pot: "${value}": the σ of the LayerNorm behind it must be above 0 for some token, got 0 for all; check the calibration data and the model`,
  );
}

/** Scales to choose from for every channel. One that is nothing beside the largest takes part with what is. */
export function channelCandidates(
  value: string,
  maxima: Float64Array,
  bits: number,
  method: Scales,
): readonly (readonly number[])[] {
  const least = NOTHING * maxima.reduce((most, size) => Math.max(most, size), 0);
  return Array.from(maxima, (size) => candidateScales(value, 2 * Math.max(size, least), bits, method));
}

const NOTHING = 2 ** -24;

/** Sums of squares of every channel, and of the errors of each of its candidates. */
export interface ChannelErrors {
  readonly signal: Float64Array;
  /** [channel][candidate] */
  readonly noise: Float64Array;
}

export function channelErrors(
  candidates: readonly (readonly number[])[],
  bits: number,
  { data, channels }: Rows,
): ChannelErrors {
  const count = candidates[0]!.length;
  const scales = Float64Array.from(candidates.flat());
  const [signal, noise] = [new Float64Array(channels), new Float64Array(channels * count)];
  const limit = 2 ** (bits - 1);
  for (let i = 0, c = 0; i < data.length; i++, c = c + 1 === channels ? 0 : c + 1) {
    const x = data[i]!;
    signal[c]! += x * x;
    for (let k = c * count; k < (c + 1) * count; k++) {
      const code = x / scales[k]! + MAGIC - MAGIC;
      const error = x - (code < -limit ? -limit : code > limit - 1 ? limit - 1 : code) * scales[k]!;
      noise[k]! += error * error;
    }
  }
  return { signal, noise };
}

/** Adding and taking away leaves no room for a fraction of smaller numbers: half to even. */
const MAGIC = 1.5 * 2 ** 52;

/**
 * The exponents of LayerNorm inputs: of every channel the candidate with the least squared error, no hyper-parameter. They
 * differ by no more than what the LayerNorm's 16-bit sums have room for: the smallest are raised to that.
 * Source: H-ViT's power-of-two quantization of LayerNorm inputs (reconstruction; methods 3.4).
 */
export function channelScales(
  candidates: readonly (readonly number[])[],
  { signal, noise }: ChannelErrors,
  bits: number,
): { readonly scales: Float64Array; readonly chosen: readonly number[]; readonly sqnr: number } {
  const count = candidates[0]!.length;
  const chosen = candidates.map((_, c) => indexOfLeast(noise.subarray(c * count, (c + 1) * count)));
  const free = Float64Array.from(candidates, (list, c) => list[chosen[c]!]!);
  const largest = free.reduce((most, scale) => Math.max(most, scale), 0);
  const scales = free.map((scale) => Math.max(scale, largest / 2 ** (16 - bits)));
  const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
  const left = chosen.reduce((sum, candidate, c) => sum + noise[c * count + candidate]!, 0);
  return { scales, chosen, sqnr: decibels(total(signal), left) };
}
