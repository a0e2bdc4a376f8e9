import { clamp, roundHalfEven } from '@cq/core/runtime';
import { laneSum } from './lanes.ts';

const { fround } = Math;

/** A tensor as [outer, channels, inner], a scale and a zero point a channel, codes from low to high. */
export interface Uniform {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
  readonly scale: Float32Array;
  readonly zeroPoint: Float32Array;
  readonly low: number;
  readonly high: number;
}

/** level · scale with level = clamp(round(x / scale), low − zero, high − zero). */
export function fakeQuantize(x: Float32Array, uniform: Uniform): Float32Array {
  return x.map((value, i) => {
    const channel = channelOf(i, uniform);
    return levelOf(value, channel, uniform) * uniform.scale[channel]!;
  });
}

/** dx = dy inside the range, else 0; dscale = Σ dy · (level − x / scale inside, else level). */
export function fakeQuantizeGrad(
  dy: Float32Array,
  x: Float32Array,
  uniform: Uniform,
): { readonly dx: Float32Array; readonly dscale: Float32Array } {
  const { outer, channels, inner, scale } = uniform;
  const inside = (i: number): boolean => {
    const [v, [least, most]] = [x[i]! / scale[channelOf(i, uniform)]!, rangeOf(channelOf(i, uniform), uniform)];
    return roundHalfEven(fround(v)) >= least && roundHalfEven(fround(v)) <= most;
  };
  const dx = dy.map((value, i) => (inside(i) ? value : 0));
  const terms = dy.map((value, i) => {
    const channel = channelOf(i, uniform);
    const v = inside(i) ? fround(x[i]! / scale[channel]!) : 0;
    return value * fround(levelOf(x[i]!, channel, uniform) - v);
  });
  const dscale = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    let total = 0;
    for (let o = 0; o < outer; o++) {
      const start = (o * channels + c) * inner;
      total += laneSum(terms.subarray(start, start + inner), (sum) => sum);
    }
    dscale[c] = total;
  }
  return { dx, dscale };
}

const channelOf = (i: number, { channels, inner }: Uniform): number => Math.floor(i / inner) % channels;

function rangeOf(channel: number, { low, high, zeroPoint }: Uniform): readonly [least: number, most: number] {
  return [low - zeroPoint[channel]!, high - zeroPoint[channel]!];
}

function levelOf(x: number, channel: number, uniform: Uniform): number {
  const [least, most] = rangeOf(channel, uniform);
  const level = roundHalfEven(fround(x / uniform.scale[channel]!));
  return clamp(Number.isNaN(level) ? 0 : level, least, most);
}
