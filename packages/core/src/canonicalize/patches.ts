import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { hasSizes } from './sizes.ts';
import { hasOrder } from './transpose.ts';

/**
 *     x ─► Reshape(b, c, r, p, s, p) ─► Transpose 0 2 4 1 3 5 ─► Reshape(b, r · s, c · p²)
 *
 * becomes     x ─► Patches {size: p, channels: c, rows: r, columns: s}
 */
export const patches = everywhere((node, graph) => {
  const order = graph.nodes.get(node.inputs[0] ?? '');
  if (node.op !== 'Reshape' || order?.op !== 'Transpose' || !hasOrder(graph, order, [0, 2, 4, 1, 3, 5]))
    return undefined;
  const grid = graph.nodes.get(order.inputs[0]!);
  const [split, merged] = [shapesOf(graph).of(grid?.name), shapesOf(graph).of(node.name)];
  if (grid?.op !== 'Reshape' || split?.length !== 6 || split.slice(1).some((size) => size < 0)) return undefined;
  const [, channels, rows, size, columns, width] = split as [number, number, number, number, number, number];
  const image = shapesOf(graph).of(grid.inputs[0]);
  if (size !== width || !hasSizes(merged, [rows * columns, channels * size * size])) return undefined;
  if (image && !hasSizes(image, [channels, rows * size, columns * size])) return undefined;
  const attrs = { size, channels, rows, columns };
  return {
    nodes: [{ name: node.name, op: 'Patches', inputs: [grid.inputs[0]!], attrs }],
    inside: [order.name, grid.name],
  };
});
