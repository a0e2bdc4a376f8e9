import type { Graph, Node } from '../graph.ts';
import { constantOperand, producer } from '../match.ts';
import { plainWeight, reshaped, vectorOf } from './constant.ts';
import { freeName } from '../edit.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';

/** MatMul ─► AddV2 ◄── b [n]     becomes     MatMul ─► BiasAdd ◄── b */
export const biasAdd = everywhere((node, graph) => {
  const operand = node.op === 'AddV2' ? constantOperand(graph, node) : undefined;
  if (!operand || producer(graph, operand.value)?.op !== 'MatMul') return undefined;
  const shape = shapesOf(graph).of(operand.value);
  const bias = vectorOf(graph, otherInput(node, operand.value), shape?.length);
  if (!bias || bias.length !== outputsOf(graph, operand.value)) return undefined;
  const inputs = [operand.value, bias.value];
  return { nodes: [{ name: node.name, op: 'BiasAdd', inputs, attrs: {} }], weights: bias.weights, inside: [] };
});

/**
 * MatMul ─► Reshape(.., heads, depth) ─► AddV2 ◄── b [heads, depth]
 *
 * becomes     MatMul ─► AddV2 ◄── b [heads · depth]
 *                         └─► Reshape(.., heads, depth)
 */
export const biasBeforeSplit = everywhere((node, graph) => {
  const operand = node.op === 'AddV2' ? constantOperand(graph, node) : undefined;
  const split = graph.nodes.get(operand?.value ?? '');
  if (!operand || split?.op !== 'Reshape' || producer(graph, split.inputs[0]!)?.op !== 'MatMul') return undefined;
  const bias = plainWeight(graph, otherInput(node, operand.value));
  const sizes = shapesOf(graph).of(split.name);
  if (!bias || !sizes || bias.data.length !== outputsOf(graph, split.inputs[0]!)) return undefined;
  const rank = bias.shape.length;
  if (rank >= sizes.length || bias.shape.some((size, axis) => size !== sizes[sizes.length - rank + axis]))
    return undefined;
  const flat = reshaped(graph, bias, [bias.data.length]);
  const name = freeName(graph, `${node.name}/flat`);
  return {
    nodes: [
      { name, op: 'AddV2', inputs: [split.inputs[0]!, flat.name], attrs: {} },
      { name: node.name, op: 'Reshape', inputs: [name, split.inputs[1]!], attrs: {} },
    ],
    weights: [flat],
    inside: [split.name],
  };
});

const otherInput = ({ inputs }: Node, value: string): string => inputs[inputs[0] === value ? 1 : 0]!;

/** Outputs of the matrix product behind a value. */
function outputsOf(graph: Graph, value: string): number | undefined {
  const { inputs, attrs } = producer(graph, value)!;
  return shapesOf(graph)
    .of(inputs[1])
    ?.at(attrs['transpose_b'] ? -2 : -1);
}
