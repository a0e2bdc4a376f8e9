import { solveUpper, upperFactor } from './cholesky.ts';
import { CqError } from './errors.ts';
import type { Gram } from './gram.ts';
import type { Weight } from './graph.ts';

/**
 * The float weights that come nearest to the float model's outputs on the quantized model's inputs: W + ΔW and, if the
 * Gram matrix has `ones`, b + Δb, with (H + r I) [ΔW; Δb] = Σ_t λ_t [x̂; 1] (x − x̂)ᵀ W, r = `damping` × the mean diagonal.
 * weight: [inputs, outputs]. Rounding these instead of W aims at the float model's outputs, and its loss on H is the
 * distance to them up to a constant. Source: ERQ (Zhong et al. 2024), activation part.
 * @throws CqError if the Gram matrix has no cross term.
 */
export function compensate(
  { name, shape, data }: Pick<Weight, 'name' | 'shape' | 'data'>,
  { matrix, cross, size, ones }: Gram,
  damping = 0.01,
): { readonly weight: Float32Array; readonly biasChange: Float32Array } {
  const [inputs, outputs] = shape as [number, number];
  if (!cross || size !== inputs + (ones ? 1 : 0)) {
    throw new CqError(`compensate: "${name}" needs a Gram matrix of ${inputs} channels with its cross term`);
  }
  const change = new Float64Array(size * outputs);
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < inputs; i++) {
      const difference = cross[i * size + j]! - matrix[i * size + j]!;
      for (let n = 0; n < outputs; n++) change[j * outputs + n]! += difference * data[i * outputs + n]!;
    }
  }
  solveUpper(upperFactor(matrix, size, damping), size, change, outputs);
  return {
    weight: Float32Array.from(data, (value, i) => value + change[i]!),
    biasChange: ones ? Float32Array.from(change.subarray(inputs * outputs)) : new Float32Array(outputs),
  };
}
