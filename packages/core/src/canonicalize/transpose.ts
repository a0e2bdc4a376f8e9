import type { Graph, Node } from '../graph.ts';
import { integersWeight } from './constant.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';

/** x ─► Transpose a ─► Transpose b     becomes     x ─► Transpose a[b] */
export const transpose = everywhere((node, graph) => {
  const inner = graph.nodes.get(node.inputs[0] ?? '');
  if (node.op !== 'Transpose' || inner?.op !== 'Transpose') return undefined;
  const [first, second] = [inner, node].map(({ inputs }) => shapesOf(graph).integers(inputs[1]));
  if (!first || !second || [...first, ...second].includes(-1)) return undefined;
  const order = integersWeight(
    graph,
    `${node.name}/order`,
    second.map((axis) => first[axis]!),
  );
  return { nodes: [{ ...node, inputs: [inner.inputs[0]!, order.name] }], weights: [order], inside: [inner.name] };
});

/** Whether a Transpose has this order. */
export const hasOrder = (graph: Graph, { inputs }: Node, order: readonly number[]): boolean =>
  String(shapesOf(graph).integers(inputs[1])) === String(order);
