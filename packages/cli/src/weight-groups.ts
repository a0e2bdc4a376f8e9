import { consumersOf, quantizableWeights, sourceOf, tipOf, type Graph } from '@cq/core';

/** Weights that get the same bits. */
export interface WeightGroup {
  readonly weights: readonly string[];
  /** What they multiply, or the table itself. */
  readonly operand: string;
  /** Entries, and outputs, which have a scale each. */
  readonly size: number;
  readonly channels: number;
}

/** Weights that multiply the same value, as those of query, key and value do; each table for itself. In network order. */
export function weightGroups(graph: Graph): readonly WeightGroup[] {
  const found = new Map<string, string[]>();
  for (const name of quantizableWeights(graph)) {
    const reader = consumersOf(graph, tipOf(graph, name)).find(({ op }) => op === 'MatMul');
    const operand = reader ? sourceOf(graph, reader.inputs[0]!) : name;
    found.set(operand, [...(found.get(operand) ?? []), name]);
  }
  return [...found].map(([operand, weights]) => {
    const shapes = weights.map((name) => graph.weights.get(name)!.shape as [number, number]);
    return {
      ...{ operand, weights },
      size: shapes.reduce((sum, [rows, columns]) => sum + rows * columns, 0),
      channels: shapes.reduce((sum, [, columns]) => sum + columns, 0),
    };
  });
}
