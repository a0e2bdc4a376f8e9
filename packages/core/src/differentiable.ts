import { registerOp } from '@tensorflow/tfjs-converter';
import {
  add,
  broadcast_util,
  matMul,
  maximum,
  minimum,
  reshape,
  square,
  sub,
  zeros,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { makeGraph, type Graph, type Node } from './graph.ts';

/**
 * A graph of stock ops whose gradients TensorFlow.js 4.22 can take. Some of its gradients forget that an operand was
 * broadcast, and fail; in their place stand ops of our own that give the same values:
 *
 *     MatMul, BatchMatMulV2: one matrix for every batch      rows × matrix
 *     SquaredDifference: a layer norm's mean                 Square(Sub)
 *     Minimum, Maximum: one number for all                   of operands that Add, whose gradient knows, has made as large
 */
export function differentiable(graph: Graph): Graph {
  registerOp('CqRowsMatMul', ({ inputs: [a, b], attrs }) => {
    const [transposeA, transposeB] = [attrs['transpose_a'] === true, attrs['transpose_b'] === true];
    if (a!.rank < 3 || b!.rank !== 2 || transposeA) return matMul(a!, b!, transposeA, transposeB);
    const product = matMul(reshape(a!, [-1, a!.shape.at(-1)!]), b!, false, transposeB);
    return reshape(product, [...a!.shape.slice(0, -1), product.shape[1]!]);
  });
  registerOp('CqSquaredDifference', ({ inputs: [a, b] }) => square(sub(a!, b!)));
  registerOp('CqMinimum', ({ inputs: [a, b] }) => minimum(...alike(a!, b!)));
  registerOp('CqMaximum', ({ inputs: [a, b] }) => maximum(...alike(a!, b!)));
  const nodes = [...graph.nodes.values()].map((node) => replacements[node.op]?.(node) ?? node);
  return makeGraph({ ...graph, nodes, weights: graph.weights.values() });
}

const replacements: Readonly<Record<string, (node: Node) => Node>> = {
  MatMul: (node) => rows(node, node.attrs['transpose_a'] === true, node.attrs['transpose_b'] === true),
  BatchMatMulV2: (node) => rows(node, node.attrs['adj_x'] === true, node.attrs['adj_y'] === true),
  SquaredDifference: (node) => ({ ...node, op: 'CqSquaredDifference' }),
  Minimum: (node) => ({ ...node, op: 'CqMinimum' }),
  Maximum: (node) => ({ ...node, op: 'CqMaximum' }),
};

/** Both as large as their broadcast. */
function alike(a: Tensor, b: Tensor): [Tensor, Tensor] {
  const shape = broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const large = (x: Tensor): Tensor =>
    broadcast_util.getReductionAxes(x.shape, shape).length > 0 ? add(x, zeros(shape)) : x;
  return [large(a), large(b)];
}

const rows = (node: Node, transposeA: boolean, transposeB: boolean): Node => ({
  ...node,
  op: 'CqRowsMatMul',
  attrs: { transpose_a: transposeA, transpose_b: transposeB },
});
