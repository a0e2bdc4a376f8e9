import { randomNormal, tidy } from '@tensorflow/tfjs-core';

/** Normally distributed numbers around 0, the same ones for the same seed. */
export function normal(count: number, deviation: number, seed: number): Float32Array {
  return tidy(() => randomNormal([count], 0, deviation, 'float32', seed).dataSync() as Float32Array);
}
