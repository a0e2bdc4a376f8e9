import { balance, constantOperand, reorderChannels, tabulated, type Folded, type Graph } from '@cq/core';

/** Factors that an activation's channels may have at most: integer kernels keep a table for each. */
const GROUPS = 8;

/** Channels that a kernel settles together, with one table. */
const PANEL = 8;

/** Whether an activation function gives the value. */
export const isActivation = (graph: Graph, value: string): boolean => tabulated.has(graph.nodes.get(value)?.op ?? '');

/** Whether an activation's channels were balanced to give the value. */
export const isBalanced = (graph: Graph, value: string): boolean => factorOf(graph, value) !== undefined;

function factorOf(graph: Graph, value: string): Float32Array | undefined {
  const node = graph.nodes.get(value);
  const factor = node?.op === 'Mul' ? constantOperand(graph, node) : undefined;
  return factor && isActivation(graph, factor.value) ? (factor.weight.data as Float32Array) : undefined;
}

/**
 * Scales that equal groups of channels share, those of alike scales together: the geometric mean of each group.
 * undefined if channels do not come in such groups.
 */
export function groupedScales(scales: Float64Array): Float64Array | undefined {
  let groups = GROUPS;
  while (groups > 1 && scales.length % (groups * PANEL) !== 0) groups /= 2;
  if (groups === 1) return undefined;
  const size = scales.length / groups;
  const order = [...scales.keys()].sort((a, b) => scales[a]! - scales[b]! || a - b);
  const grouped = new Float64Array(scales.length);
  for (let start = 0; start < order.length; start += size) {
    const group = order.slice(start, start + size);
    const mean = Math.exp(group.reduce((sum, c) => sum + Math.log(scales[c]!), 0) / size);
    for (const c of group) grouped[c] = mean;
  }
  return grouped;
}

/** An activation's channels divided by scales, by an operator behind it; the weights that read it make up for them. */
export function balanceActivation(graph: Graph, value: string, scales: Float64Array): Folded {
  const movable = reorderChannels(graph, value, [...scales.keys()]);
  return 'reason' in movable ? movable : balance(graph, value, scales);
}

/**
 * The graph with channels of one factor side by side, as integer kernels ask of an activation that is balanced; the same graph if
 * the value is none.
 */
export function inGroups(graph: Graph, value: string): Graph {
  const factors = factorOf(graph, value);
  if (!factors) return graph;
  const order = [...factors.keys()].sort((a, b) => factors[b]! - factors[a]! || a - b);
  const ordered = reorderChannels(graph, value, order);
  return 'graph' in ordered ? ordered.graph : graph;
}
