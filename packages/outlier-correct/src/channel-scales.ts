import { magnitudes, type ChannelExtremes } from './channel-extremes.ts';

export type BalanceMethod = 'smooth' | 'threshold';

/** No magnitude counts as less: an all-zero channel has a scale too. */
const FLOOR = 1e-5;

/**
 * s_c = M_c^a / m_c^(1 − a), by which a channel of a value is divided and the weights that read it are multiplied.
 * With a = 0.5 the largest values of both become equal; more weighs on the activations' side.
 * Source: SmoothQuant (Xiao et al. 2023), eq. 4.
 * @param activations M, the largest magnitude of every channel.
 * @param weights m, of every channel of all the weights that read the value.
 */
export const smoothScales = (activations: Float64Array, weights: Float64Array, strength: number): Float64Array =>
  activations.map((size, c) => Math.max(size, FLOOR) ** strength / Math.max(weights[c]!, FLOOR) ** (1 - strength));

/**
 * s_c = max(1, max_c / t, min_c / −t): only channels that go beyond the threshold are touched, and end there.
 * Source: Outlier Suppression+ (Wei et al. 2023), eq. 8.
 */
export const thresholdScales = ({ min, max }: ChannelExtremes, threshold: number): Float64Array =>
  max.map((high, c) => Math.max(1, high / threshold, min[c]! / -threshold));

/**
 * The scale of every channel at a strength of 0 to 1. `smooth`: the exponent of the activations. `threshold`: from the
 * largest magnitude of all channels, which none exceeds, down to their median, geometrically.
 */
export function scalesAt(
  method: BalanceMethod,
  strength: number,
  extremes: ChannelExtremes,
  others: Float64Array,
): Float64Array {
  const sizes = magnitudes(extremes);
  if (method === 'smooth') return smoothScales(sizes, others, strength);
  const sorted = sizes.slice().sort();
  const [median, largest] = [sorted[sorted.length >> 1]!, sorted.at(-1)!];
  return median > 0 ? thresholdScales(extremes, largest * (median / largest) ** strength) : sizes.fill(1);
}
