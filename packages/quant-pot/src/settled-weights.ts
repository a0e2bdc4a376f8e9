import { annotatedValue, edit, effectiveData, removeDead, type Graph, type Node, type Weight } from '@cq/core';

/** Gives graphs their quantized weights as constants on their levels, which runs then need not round again and again. */
export function settledWeights(): (graph: Graph) => Graph {
  const settled = new WeakMap<Node, Weight>();
  return (graph) => {
    const weights: Weight[] = [];
    for (const node of graph.nodes.values()) {
      const { name, op } = node;
      const weight = op === 'CqFakeQuantize' ? graph.weights.get(annotatedValue(graph, name)) : undefined;
      if (!weight) continue;
      if (!settled.has(node)) settled.set(node, { ...weight, name, data: effectiveData(graph, weight) });
      weights.push(settled.get(node)!);
    }
    return removeDead(edit(graph, { weights, remove: weights.map(({ name }) => name) }));
  };
}
