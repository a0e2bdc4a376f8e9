import { annotatedValue, edit, redirect, removeDead, type Graph } from '@cq/core';

/** The graph without the quantizers on its activations; those on weights stay. */
export function floatActivations(graph: Graph): Graph {
  for (const { name, op, inputs } of [...graph.nodes.values()]) {
    if (op !== 'CqFakeQuantize' || graph.weights.has(annotatedValue(graph, name))) continue;
    graph = edit(graph, { ...redirect(graph, name, inputs[0]!), remove: [name] });
  }
  return removeDead(graph);
}
