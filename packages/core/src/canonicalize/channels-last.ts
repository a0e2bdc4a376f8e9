import { integersWeight } from './constant.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { hasSizes } from './sizes.ts';
import { hasOrder } from './transpose.ts';

/**
 *     x ─► Transpose 0 3 1 2 ─► Reshape(b, n, r · s) ─► Transpose 0 2 1     becomes     x ─► Reshape(b, r · s, n)
 *
 * as exporters of channels-first models write it behind a convolution.
 */
export const channelsLast = everywhere((node, graph) => {
  const flat = graph.nodes.get(node.inputs[0] ?? '');
  const first = graph.nodes.get(flat?.inputs[0] ?? '');
  if (node.op !== 'Transpose' || flat?.op !== 'Reshape' || first?.op !== 'Transpose') return undefined;
  if (!hasOrder(graph, node, [0, 2, 1]) || !hasOrder(graph, first, [0, 3, 1, 2])) return undefined;
  const [sizes, merged] = [shapesOf(graph).of(first.inputs[0]), shapesOf(graph).of(node.name)];
  if (!sizes || sizes.slice(1).some((size) => size < 0) || !hasSizes(merged, [sizes[1]! * sizes[2]!, sizes[3]!]))
    return undefined;
  const shape = integersWeight(graph, `${node.name}/shape`, [-1, ...merged!.slice(1)]);
  return {
    nodes: [{ name: node.name, op: 'Reshape', inputs: [first.inputs[0]!, shape.name], attrs: {} }],
    weights: [shape],
    inside: [flat.name, first.name],
  };
});
