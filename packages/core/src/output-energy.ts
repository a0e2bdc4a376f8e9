import { matMul, mul, sum, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { Gram } from './gram.ts';

/** tr(Wᵀ H W) / tokens: the mean over tokens of what a layer of these weights, [inputs, outputs], puts out, squared. */
export function outputEnergy({ matrix, size, tokens }: Gram, weights: Float32Array): number {
  const total = tidy(() => {
    const w = tensor2d(weights, [size, weights.length / size]);
    return sum(mul(w, matMul(tensor2d(Float32Array.from(matrix), [size, size]), w)));
  });
  const [energy] = total.dataSync<'float32'>();
  total.dispose();
  return energy! / tokens;
}
