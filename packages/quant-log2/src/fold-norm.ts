import { foldScale, foldShift, type Folded, type Graph, type Rows } from '@cq/core';

/** What is folded out of a norm's output so that all its channels have one range. */
export interface NormFold {
  readonly shifts: Float64Array;
  readonly scales: Float64Array;
  /** The common scale of `bits`-bit codes then. Zero is the code in the middle. */
  readonly scale: number;
}

/** Parts of a channel's range that are tried. */
const PARTS = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4];

/** A channel no wider than this part of the mean is constant for our purpose: its scale stays 1. */
const CONSTANT = 1e-3;

/**
 * Of every channel its own least-error range of `bits`-bit codes, which then becomes everyone's: x ← (x − shift) / scale, with the
 * mean of all scales kept. A channel that does not vary, as behind a gain of 0, only loses its constant.
 * Source: RepQ-ViT (Li et al. 2023), eq. 9–12; methods 1.10.
 */
export function normFold({ data, channels }: Rows, bits: number): NormFold {
  const rows = data.length / channels;
  const [steps, lows] = [new Float64Array(channels), new Float64Array(channels)];
  const column = new Float64Array(rows);
  for (let c = 0; c < channels; c++) {
    for (let r = 0; r < rows; r++) column[r] = data[r * channels + c]!;
    [steps[c], lows[c]] = channelRange(column, bits);
  }
  const mean = steps.reduce((sum, step) => sum + step, 0) / channels;
  const half = 2 ** (bits - 1);
  const varies = (c: number): boolean => steps[c]! > CONSTANT * mean;
  return {
    scale: mean || 1,
    scales: steps.map((step, c) => (varies(c) ? step / mean : 1)),
    shifts: steps.map((step, c) => (varies(c) ? lows[c]! + half * step : column0(data, channels, c))),
  };
}

const column0 = (data: Float32Array, channels: number, c: number): number => data[c % channels] ?? 0;

/** Step and lowest level of the codes that err least on one channel. */
function channelRange(column: Float64Array, bits: number): [step: number, low: number] {
  const { round } = Math;
  const levels = 2 ** bits - 1;
  let [min, max, sum] = [Infinity, -Infinity, 0];
  for (const x of column) {
    if (x < min) min = x;
    if (x > max) max = x;
    sum += x;
  }
  const centre = sum / column.length;
  let [bestStep, bestLow, least] = [(max - min) / levels, min, Infinity];
  for (const below of PARTS) {
    for (const above of PARTS) {
      const [low, high] = [centre + (min - centre) * below, centre + (max - centre) * above];
      const step = (high - low) / levels;
      if (!(step > 0)) continue;
      let error = 0;
      for (let i = 0; i < column.length && error < least; i++) {
        const code = round((column[i]! - low) / step);
        error += (column[i]! - (low + (code < 0 ? 0 : code > levels ? levels : code) * step)) ** 2;
      }
      if (error < least) [bestStep, bestLow, least] = [step, low, error];
    }
  }
  return [bestStep, bestLow];
}

/** The fold made on a graph. It computes what it did before. */
export function foldNorm(graph: Graph, norm: string, { shifts, scales }: NormFold): Folded {
  const shifted = foldShift(graph, norm, shifts);
  return 'reason' in shifted ? shifted : foldScale(shifted.graph, norm, scales);
}
