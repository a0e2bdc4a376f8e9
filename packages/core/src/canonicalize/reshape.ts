import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { isSizeList, sizeList } from './size-list.ts';
import { UNKNOWN } from './sizes.ts';

/** x ─► ExpandDims or Squeeze ─► Reshape     becomes     x ─► Reshape */
export const onceReshaped = everywhere((node, graph) => {
  const inner = graph.nodes.get(node.inputs[0] ?? '');
  if (node.op !== 'Reshape' || (inner?.op !== 'ExpandDims' && inner?.op !== 'Squeeze')) return undefined;
  return { nodes: [{ ...node, inputs: [inner.inputs[0]!, node.inputs[1]!] }], inside: [] };
});

/**
 * A target that is written down instead of computed. One size that varies is -1: as the number of values stays, it follows
 * from the others. Of several the first one is.
 *
 *     x ─► Reshape       becomes     x ─► Reshape(-1, 17, 4, 8)
 *     x ─► Shape ─► StridedSlice ─► Pack(·, 17, 4, 8) ─┘
 */
export const reshape = everywhere((node, graph) => {
  const [x, target] = node.inputs;
  const sizes = node.op === 'Reshape' ? shapesOf(graph).integers(target) : undefined;
  if (!sizes || graph.weights.has(target!)) return undefined;
  const first = sizes.findIndex((size) => size < 0);
  const wanted = sizes.includes(UNKNOWN) ? sizes : sizes.map((size, axis) => (axis === first ? UNKNOWN : size));
  if (wanted.filter((size) => size === UNKNOWN).length > 1 || isSizeList(graph, target!, wanted)) return undefined;
  const list = sizeList(graph, `${node.name}/shape`, wanted);
  return { nodes: [...list.nodes, { ...node, inputs: [x!, list.value] }], weights: list.weights, inside: [] };
});
