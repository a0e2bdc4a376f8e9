import { CqError, type Statistic } from '@cq/core';

/** The least and the largest value of every channel, the last axis. */
export interface ChannelExtremes {
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** What was seen of a value: its channels, and the largest magnitude of every token. */
export interface Sizes extends ChannelExtremes {
  readonly tokens: readonly number[];
}

/** Sizes being gathered. */
interface Gathered extends ChannelExtremes {
  readonly tokens: number[];
}

/** Of one observed value, [.., channels]. */
export function channelExtremes(): Statistic<Gathered | undefined, Sizes> {
  return {
    start: () => undefined,
    update(state, values, shape) {
      const channels = shape.at(-1)!;
      const sizes: Gathered = state ?? {
        min: new Float64Array(channels).fill(Infinity),
        max: new Float64Array(channels).fill(-Infinity),
        tokens: [],
      };
      const { min, max, tokens } = sizes;
      for (let start = 0; start < values.length; start += channels) {
        let largest = 0;
        for (let c = 0; c < channels; c++) {
          const x = values[start + c]!;
          if (!(x >= min[c]!)) min[c] = x;
          if (!(x <= max[c]!)) max[c] = x;
          if (x > largest) largest = x;
          else if (-x > largest) largest = -x;
        }
        tokens.push(largest);
      }
      return sizes;
    },
    finish(state, value) {
      if (!state?.max.every(Number.isFinite)) {
        throw new CqError(`balance-channels: "${value}" takes NaN or infinite values on this data; check the data`);
      }
      return state;
    },
  };
}

/** Largest magnitude of every channel. */
export const magnitudes = ({ min, max }: ChannelExtremes): Float64Array =>
  max.map((high, c) => Math.max(high, -min[c]!));

/** The middle of every channel, which a shift moves to 0. Source: Outlier Suppression+ (Wei et al. 2023), eq. 3. */
export const centres = ({ min, max }: ChannelExtremes): Float64Array => max.map((high, c) => (high + min[c]!) / 2);

/** Of channels less their shifts. */
export const shiftedBy = ({ min, max }: ChannelExtremes, shifts: Float64Array): ChannelExtremes => ({
  min: min.map((low, c) => low - shifts[c]!),
  max: max.map((high, c) => high - shifts[c]!),
});

/** Of channels times positive factors. */
export const scaledBy = ({ min, max }: ChannelExtremes, factors: Float64Array): ChannelExtremes => ({
  min: min.map((low, c) => low * factors[c]!),
  max: max.map((high, c) => high * factors[c]!),
});
