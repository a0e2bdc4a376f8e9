import { effectiveData, type Graph } from '@cq/core';

export interface WeightCount {
  readonly parameters: number;
  /** As the model uses them: masked and quantized. */
  readonly nonZero: number;
}

/** The numbers that training made; not masks, scales, and single numbers of the arithmetic. */
export function countWeights(graph: Graph): WeightCount {
  const decisions = new Set(
    [...graph.nodes.values()].filter(({ op }) => op.startsWith('Cq')).flatMap(({ inputs }) => inputs.slice(1)),
  );
  let [parameters, nonZero] = [0, 0];
  for (const weight of graph.weights.values()) {
    if (weight.dtype !== 'float32' || weight.shape.length === 0 || decisions.has(weight.name)) continue;
    parameters += weight.data.length;
    for (const value of effectiveData(graph, weight)) if (value !== 0) nonZero++;
  }
  return { parameters, nonZero };
}
