import { edit, fakeQuantizeOf, redirect, removeDead, type Graph } from '@cq/core';

/** The graph with the quantizer of one value taken away: what read its levels reads the value again. */
export function withoutFakeQuantize(graph: Graph, value: string): Graph {
  const node = fakeQuantizeOf(graph, value);
  return node ? removeDead(edit(graph, redirect(graph, node.name, node.inputs[0]!))) : graph;
}
