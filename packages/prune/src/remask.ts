import { consumersOf, edit, freeName, maskOf, withMask, type Graph } from '@cq/core';

/** The mask on a weight, 1 = keep; undefined if it has none. */
export function keepOf(graph: Graph, weight: string): Float32Array | undefined {
  const mask = maskOf(graph, weight);
  return mask && (graph.weights.get(mask.inputs[1]!)?.data as Float32Array | undefined);
}

/**
 * The graph with entries of a weight masked beside those that are already, by the one mask a weight may have; the same
 * graph if there is no such entry.
 */
export function addMask(graph: Graph, weight: string, keep: (entry: number) => boolean): Graph {
  const before = keepOf(graph, weight);
  const { length } = graph.weights.get(weight)!.data;
  const after = Float32Array.from({ length }, (_, i) => (keep(i) ? (before?.[i] ?? 1) : 0));
  if (after.every((value, i) => value === (before?.[i] ?? 1))) return graph;
  return before ? replaced(graph, weight, after) : withMask(graph, weight, after);
}

/** The node stays, and so do its readers; its constant changes. */
function replaced(graph: Graph, weight: string, mask: Float32Array): Graph {
  const node = maskOf(graph, weight)!;
  const constant = graph.weights.get(node.inputs[1]!)!;
  if (consumersOf(graph, constant.name).length === 1) return edit(graph, { weights: [{ ...constant, data: mask }] });
  const name = freeName(graph, constant.name);
  return edit(graph, {
    nodes: [{ ...node, inputs: [node.inputs[0]!, name] }],
    weights: [{ ...constant, name, data: mask }],
  });
}
