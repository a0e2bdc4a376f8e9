import { registerOp } from '@tensorflow/tfjs-converter';
import { matMul, reshape, square, sub } from '@tensorflow/tfjs-core';
import { makeGraph, type Graph, type Node } from './graph.ts';

/**
 * A graph of stock ops whose gradients TensorFlow.js 4.22 can take. Two of its gradients forget that an operand was
 * broadcast, and fail; in their place stand ops of our own that give the same values:
 *
 *     MatMul, BatchMatMulV2: one matrix for every batch      rows × matrix
 *     SquaredDifference: a layer norm's mean                 Square(Sub)
 */
export function differentiable(graph: Graph): Graph {
  registerOp('CqRowsMatMul', ({ inputs: [a, b], attrs }) => {
    const [transposeA, transposeB] = [attrs['transpose_a'] === true, attrs['transpose_b'] === true];
    if (a!.rank < 3 || b!.rank !== 2 || transposeA) return matMul(a!, b!, transposeA, transposeB);
    const product = matMul(reshape(a!, [-1, a!.shape.at(-1)!]), b!, false, transposeB);
    return reshape(product, [...a!.shape.slice(0, -1), product.shape[1]!]);
  });
  registerOp('CqSquaredDifference', ({ inputs: [a, b] }) => square(sub(a!, b!)));
  const nodes = [...graph.nodes.values()].map((node) => replacements[node.op]?.(node) ?? node);
  return makeGraph({ ...graph, nodes, weights: graph.weights.values() });
}

const replacements: Readonly<Record<string, (node: Node) => Node>> = {
  MatMul: (node) => rows(node, node.attrs['transpose_a'] === true, node.attrs['transpose_b'] === true),
  BatchMatMulV2: (node) => rows(node, node.attrs['adj_x'] === true, node.attrs['adj_y'] === true),
  SquaredDifference: (node) => ({ ...node, op: 'CqSquaredDifference' }),
};

const rows = (node: Node, transposeA: boolean, transposeB: boolean): Node => ({
  ...node,
  op: 'CqRowsMatMul',
  attrs: { transpose_a: transposeA, transpose_b: transposeB },
});
