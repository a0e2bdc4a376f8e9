import { rowOf, type StoredQuantizer } from '@cq/core';
import type { AttentionSample } from './attention-sample.ts';

/** ‖A V − Â V‖²: a quantizer of probabilities judged by what the queries take from the values (methods 4.2). */
export function attentionError({ probabilities, values, depth }: AttentionSample, quantizer: StoredQuantizer): number {
  const scale = quantizer.scale[0]!;
  const { levels, boundaries } = rowOf(quantizer).cells!(quantizer);
  const decoded = levels.map((level) => level * scale);
  const limits = boundaries.map((boundary) => boundary * scale);
  return outputEnergy(values, depth, probabilities, (p) => {
    let [cell, end] = [0, limits.length];
    while (cell < end) {
      const middle = (cell + end) >> 1;
      if (p >= limits[middle]!) cell = middle + 1;
      else end = middle;
    }
    return decoded[cell]! - p;
  });
}

/** ‖A V‖² */
export const attentionEnergy = ({ probabilities, values, depth }: AttentionSample): number =>
  outputEnergy(values, depth, probabilities, (p) => p);

/** ‖f(A) V‖² */
function outputEnergy(
  values: Float32Array,
  depth: number,
  probabilities: Float32Array,
  f: (p: number) => number,
): number {
  const keys = values.length / depth;
  const output = new Float64Array(depth);
  let energy = 0;
  for (let at = 0; at < probabilities.length; at += keys) {
    output.fill(0);
    for (let key = 0; key < keys; key++) {
      const p = f(probabilities[at + key]!);
      for (let d = 0, v = key * depth; d < depth; d++, v++) output[d]! += p * values[v]!;
    }
    for (let d = 0; d < depth; d++) energy += output[d]! ** 2;
  }
  return energy;
}
