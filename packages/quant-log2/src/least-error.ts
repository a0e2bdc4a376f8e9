import type { Histogram, UniformQuantizer } from '@cq/core';

/** Parts of the range on either side of zero that are tried. */
const PARTS = 20;

/**
 * The uniform quantizer with the least squared error of those whose range is a part of what was seen below zero and a part of what
 * was seen above. All 2^bits codes are used; zero has one.
 * @param centred Whether zero must be in the middle (code 0 of −2^(b−1) … 2^(b−1) − 1), as for queries, keys and values.
 */
export function leastErrorCodes(seen: Histogram, bits: number, centred: boolean): UniformQuantizer {
  const first = -(2 ** (bits - 1));
  const levels = 2 ** bits - 1;
  const occupied = occupiedBins(seen);
  const [below, above] = [Math.max(0, -seen.min), Math.max(0, seen.max)];
  let found = codes(bits, (below + above) / levels || 1, 0);
  let least = Infinity;
  const tryCodes = (scale: number, zeroPoint: number): void => {
    if (!(scale > 0)) return;
    const error = binnedError(occupied, scale, zeroPoint, first, first + levels, least);
    if (error < least) [found, least] = [codes(bits, scale, zeroPoint), error];
  };
  if (centred) {
    const widest = Math.max(below, above) / (2 ** (bits - 1) - 1);
    for (let i = 0; i < 80; i++) tryCodes(widest * (1 - i / 90), 0);
    return found;
  }
  for (let i = 0; i < PARTS; i++) {
    for (let j = 0; j < PARTS; j++) {
      const [low, high] = [below * (1 - i / PARTS), above * (1 - j / PARTS)];
      const scale = (low + high) / levels;
      tryCodes(scale, first + Math.min(levels, Math.round(low / scale)));
      if (below === 0) break;
    }
  }
  return found;
}

const codes = (bits: number, scale: number, zeroPoint: number): UniformQuantizer => ({
  ...{ kind: 'uniform', bits, signed: true },
  ...{ scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) },
});

interface Bins {
  readonly middles: Float64Array;
  readonly counts: Float64Array;
}

/** The bins that hold something, at most 1024 of them: neighbours of the others are joined. */
function occupiedBins({ counts, width, min, max }: Histogram): Bins {
  const half = counts.length / 2;
  const [first, last] = [Math.floor(min / width) + half, Math.floor(max / width) + half];
  const step = Math.max(1, Math.ceil((last - first + 1) / 1024));
  const [middles, sums]: [number[], number[]] = [[], []];
  for (let i = first; i <= last; i += step) {
    let [count, moment] = [0, 0];
    for (let j = i; j < Math.min(i + step, counts.length); j++) {
      count += counts[j]!;
      moment += counts[j]! * (j + 0.5 - half) * width;
    }
    if (count === 0) continue;
    sums.push(count);
    middles.push(moment / count);
  }
  return { middles: Float64Array.from(middles), counts: Float64Array.from(sums) };
}

function binnedError(
  { middles, counts }: Bins,
  scale: number,
  zeroPoint: number,
  first: number,
  last: number,
  least: number,
): number {
  const { round } = Math;
  const [low, high] = [first - zeroPoint, last - zeroPoint];
  let error = 0;
  for (let i = 0; i < middles.length && error < least; i++) {
    const x = middles[i]!;
    const code = round(x / scale);
    const level = (code < low ? low : code > high ? high : code) * scale;
    error += counts[i]! * (x - level) ** 2;
  }
  return error;
}
