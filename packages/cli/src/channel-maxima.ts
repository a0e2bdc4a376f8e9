import { rounded } from './rounded.ts';

/** How large a value gets, channel by channel. */
export interface ChannelMaxima {
  readonly value: string;
  /** The largest magnitude of each channel, in the model as it came and in the compressed one. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Raises the largest magnitude of each channel, the last axis, to those of what is seen. */
export function raise(
  maxima: Map<string, Float32Array>,
  value: string,
  seen: { shape: readonly number[]; data: Float32Array },
) {
  const channels = seen.shape.at(-1) ?? 1;
  const known = maxima.get(value) ?? new Float32Array(channels);
  if (known.length !== channels) return;
  for (const [i, x] of seen.data.entries()) known[i % channels] = Math.max(known[i % channels]!, Math.abs(x));
  maxima.set(value, known);
}

/** Most values whose channels are shown. */
const SHOWN = 2;

/** The values whose largest channel stands out the most from the median one. */
export function mostUneven(
  before: ReadonlyMap<string, Float32Array>,
  after: ReadonlyMap<string, Float32Array>,
): ChannelMaxima[] {
  const unevenness = (maxima: Float32Array): number => {
    const sorted = maxima.slice().sort();
    return sorted.at(-1)! / (sorted[sorted.length >> 1]! || 1);
  };
  return [...before]
    .filter(([value, maxima]) => maxima.length > 1 && after.get(value)?.length === maxima.length)
    .sort(([, a], [, b]) => unevenness(b) - unevenness(a))
    .slice(0, SHOWN)
    .map(([value, maxima]) => ({
      value,
      before: Array.from(maxima, rounded),
      after: Array.from(after.get(value)!, rounded),
    }));
}
