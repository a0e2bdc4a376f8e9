import { CqError, type Statistic } from '@cq/core';
import { candidateScales, decibels, type Scales } from './scales.ts';
import { indexOfLeast } from './tensor-scale.ts';

/** What one value was, channel by channel, its last axis. */
export interface ChannelMaxima {
  readonly maxima: Float64Array;
  readonly rank: number;
  /** Whether the channels of any one token differed. */
  readonly varies: boolean;
}

/** The largest magnitude of every channel of an observed value that a LayerNorm reads. */
export function channelMaxima(): Statistic<ChannelMaxima | undefined, ChannelMaxima> {
  return {
    start: () => undefined,
    update(state, values, shape) {
      const channels = shape.at(-1)!;
      const maxima = state?.maxima ?? new Float64Array(channels);
      let varies = state?.varies ?? false;
      for (let token = 0; token < values.length; token += channels) {
        for (let c = 0; c < channels; c++) {
          const x = values[token + c]!;
          const size = x < 0 ? -x : x;
          if (!(size <= maxima[c]!)) maxima[c] = size;
          varies ||= x !== values[token];
        }
      }
      return { maxima, rank: shape.length, varies };
    },
    finish(state, value) {
      if (!state?.maxima.every(Number.isFinite)) {
        throw new CqError(`quantize-pot: "${value}" takes NaN or infinite values on this data; check the data`);
      }
      const largest = state.maxima.reduce((most, size) => Math.max(most, size), 0);
      if (largest > 0 && !state.varies) {
        throw new CqError(
          `quantize-pot: "${value}": the σ of a LayerNorm must not be 0 for all tokens, got 0; check the calibration data and the model`,
        );
      }
      return state;
    },
  };
}

/** Scales to choose from for every channel. One that is nothing beside the largest takes part with what is. */
export function channelCandidates(
  value: string,
  { maxima }: ChannelMaxima,
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
): Statistic<ChannelErrors, ChannelErrors> {
  const channels = candidates.length;
  const count = candidates[0]!.length;
  const scales = Float64Array.from(candidates.flat());
  const limit = 2 ** (bits - 1);
  return {
    start: () => ({ signal: new Float64Array(channels), noise: new Float64Array(channels * count) }),
    update({ signal, noise }, values) {
      for (let i = 0, c = 0; i < values.length; i++, c = c + 1 === channels ? 0 : c + 1) {
        const x = values[i]!;
        signal[c]! += x * x;
        for (let k = c * count; k < (c + 1) * count; k++) {
          const code = x / scales[k]! + MAGIC - MAGIC;
          const error = x - (code < -limit ? -limit : code > limit - 1 ? limit - 1 : code) * scales[k]!;
          noise[k]! += error * error;
        }
      }
      return { signal, noise };
    },
    finish: (state) => state,
  };
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
