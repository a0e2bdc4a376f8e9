import type { Graph, Node, Weight } from '../graph.ts';
import { weightOf } from '../match.ts';
import { plainWeight, transposed } from './constant.ts';
import { everywhere } from './rule.ts';

/**
 * x ─► BatchMatMulV2 ◄── w                      becomes     x ─► MatMul ◄── w
 * x ─► MatMul {transpose_b} ◄── wᵀ
 */
export const matMul = everywhere((node, graph) => {
  if (node.op !== 'MatMul' && node.op !== 'BatchMatMulV2') return undefined;
  if (node.op === 'MatMul' && Object.keys(node.attrs).length === 0) return undefined;
  const weight = rightWeight(graph, node);
  if (!weight) return undefined;
  const inputs = [node.inputs[0]!, weight.value];
  return { nodes: [{ name: node.name, op: 'MatMul', inputs, attrs: {} }], weights: weight.weights, inside: [] };
});

/** The constant right operand of a product as [inputs, outputs], with the weight to add if it stood the other way. */
export function rightWeight(
  graph: Graph,
  { inputs, attrs }: Node,
): { readonly value: string; readonly weights: readonly Weight[] } | undefined {
  const [, value] = inputs;
  if (value === undefined || attrs['transpose_a'] || attrs['adj_x']) return undefined;
  if (weightOf(graph, value)?.shape.length !== 2) return undefined;
  if (!attrs['transpose_b'] && !attrs['adj_y']) return { value, weights: [] };
  const weight = plainWeight(graph, value);
  if (!weight) return undefined;
  const turned = transposed(graph, weight, [1, 0]);
  return { value: turned.name, weights: [turned] };
}
