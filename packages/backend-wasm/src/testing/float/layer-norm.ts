import { laneSum } from './lanes.ts';

const { fround, sqrt } = Math;

/** Rows of x, each to mean 0 and variance 1, times gamma, plus beta; in float32 steps, statistics by lane. */
export function layerNorm(x: Float32Array, gamma: Float32Array, beta: Float32Array, epsilon: number): Float32Array {
  const y = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += gamma.length) {
    const normal = normalised(x.subarray(start, start + gamma.length), epsilon).row;
    normal.forEach((value, c) => (y[start + c] = fround(fround(value * gamma[c]!) + beta[c]!)));
  }
  return y;
}

export interface LayerNormGradients {
  readonly dx: Float32Array;
  readonly dgamma: Float32Array;
  readonly dbeta: Float32Array;
}

/** dx = inverse · ((g − mean of g) − n · mean of g · n) with n the normalised row and g = dy · gamma. */
export function layerNormGrad(
  dy: Float32Array,
  x: Float32Array,
  gamma: Float32Array,
  epsilon: number,
): LayerNormGradients {
  const channels = gamma.length;
  const [dx, dgamma, dbeta] = [new Float32Array(x.length), new Float32Array(channels), new Float32Array(channels)];
  for (let start = 0; start < x.length; start += channels) {
    const { row: normal, inverse } = normalised(x.subarray(start, start + channels), epsilon);
    const given = dy.subarray(start, start + channels);
    const slope = given.map((value, c) => value * gamma[c]!);
    const mean = fround(laneSum(slope) / channels);
    const product = fround(laneSum(slope.map((value, c) => value * normal[c]!)) / channels);
    for (let c = 0; c < channels; c++) {
      dx[start + c] = inverse * fround(fround(slope[c]! - mean) - fround(normal[c]! * product));
      dgamma[c]! += fround(given[c]! * normal[c]!);
      dbeta[c]! += given[c]!;
    }
  }
  return { dx, dgamma, dbeta };
}

function normalised(row: Float32Array, epsilon: number): { readonly row: Float32Array; readonly inverse: number } {
  const mean = fround(laneSum(row) / row.length);
  const difference = row.map((value) => value - mean);
  const variance = fround(laneSum(difference.map((value) => value * value)) / row.length);
  const inverse = fround(1 / fround(sqrt(fround(variance + fround(epsilon)))));
  return { row: difference.map((value) => value * inverse), inverse };
}
