import { annotatedValue, readQuantizer, type Graph, type Quantizer } from '@cq/core';

/** A value of a graph that has a quantizer. */
export interface Quantized {
  readonly value: string;
  readonly kind: 'weight' | 'activation';
  readonly quantizer: Quantizer;
}

/** Every quantizer of an annotated graph, in network order. */
export function quantizersOf(graph: Graph): readonly Quantized[] {
  return [...graph.nodes.values()]
    .filter(({ op }) => op === 'CqFakeQuantize')
    .map((node) => {
      const value = annotatedValue(graph, node.name);
      return {
        value,
        kind: graph.weights.has(value) ? 'weight' : 'activation',
        quantizer: readQuantizer(graph, node),
      };
    });
}
