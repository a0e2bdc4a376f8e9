import { integersWeight } from './constant.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';

/**
 * A target that is written down instead of computed. One size may depend on the batch: as the number of values stays,
 * it follows from the others.
 *
 *     x ─► Reshape       becomes     x ─► Reshape(-1, 17, 4, 8)
 *     x ─► Shape ─► StridedSlice ─► Pack(·, 17, 4, 8) ─┘
 */
export const reshape = everywhere((node, graph) => {
  const [x, target] = node.inputs;
  if (node.op !== 'Reshape' || target === undefined || graph.weights.has(target)) return undefined;
  const sizes = shapesOf(graph).integers(target);
  if (!sizes || sizes.filter((size) => size < 0).length > 1) return undefined;
  const constant = integersWeight(graph, `${node.name}/shape`, sizes);
  return { nodes: [{ ...node, inputs: [x!, constant.name] }], weights: [constant], inside: [] };
});
