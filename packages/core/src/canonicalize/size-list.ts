import { freeName } from '../edit.ts';
import type { Graph, Node, Weight } from '../graph.ts';
import { integersWeight } from './constant.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';
import type { Axis, Sizes } from './sizes.ts';

/** A list of integers as a value of the graph, with what must be added for it. */
export interface SizeList {
  readonly value: string;
  readonly nodes: readonly Node[];
  readonly weights: readonly Weight[];
}

/**
 * Sizes as an operand of Reshape or Slice: a constant, or where some are those of inputs
 *
 *     Shape(input) ─► StridedSlice [axis] ─► Pack(-1, ·, 4, 8)
 *
 * UNKNOWN is written as it is: -1, whatever follows from the others.
 */
export function sizeList(graph: Graph, name: string, sizes: Sizes): SizeList {
  const axes = sizes.map((size) => shapesOf(graph).axisOf(size));
  if (axes.every((axis) => axis === undefined)) {
    const constant = integersWeight(graph, name, sizes);
    return { value: constant.name, nodes: [], weights: [constant] };
  }
  const nodes: Node[] = [];
  const weights: Weight[] = [];
  const inputs = sizes.map((size, i) => {
    const [part, axis] = [`${name}/${i}`, axes[i]];
    if (!axis) {
      const constant = integersWeight(graph, part, [size], []);
      weights.push(constant);
      return constant.name;
    }
    const asked = sizeOf(graph, freeName(graph, part), axis);
    nodes.push(...asked.nodes);
    weights.push(...asked.weights);
    return asked.value;
  });
  const value = freeName(graph, name);
  return { value, nodes: [...nodes, { name: value, op: 'Pack', inputs, attrs: { axis: 0 } }], weights };
}

/** Whether a value is as `sizeList` writes these sizes. */
export function isSizeList(graph: Graph, value: string, sizes: Sizes): boolean {
  const weight = graph.weights.get(value);
  if (weight) return String(weight.data) === String(sizes);
  const node = graph.nodes.get(value);
  if (node?.op !== 'Pack' || Object.keys(node.attrs).length !== 1 || node.inputs.length !== sizes.length) return false;
  return sizes.every((size, i) => {
    const constant = graph.weights.get(node.inputs[i]!);
    return constant ? constant.data[0] === size : shapesOf(graph).axisOf(size) !== undefined;
  });
}

/** A size of an input that is asked for in any other way     becomes     Shape(input) ─► StridedSlice [axis] */
export const inputSize = everywhere((node, graph) => {
  if (node.op !== 'StridedSlice' && node.op !== 'GatherV2') return undefined;
  const shapes = shapesOf(graph);
  const isOne = node.op === 'GatherV2' ? graph.weights.get(node.inputs[1]!)?.shape.length === 0 : shrinks(node);
  const [size, ...others] = isOne ? (shapes.integers(node.name) ?? []) : [];
  const axis = size === undefined || others.length > 0 ? undefined : shapes.axisOf(size);
  if (!axis || isSizeOf(graph, node, axis)) return undefined;
  return { ...sizeOf(graph, node.name, axis), inside: [] };
});

function sizeOf(graph: Graph, name: string, { input, axis }: Axis): SizeList {
  const bounds = [axis, axis + 1, 1].map((value, i) =>
    integersWeight(graph, `${name}/${['begin', 'end', 'strides'][i]}`, [value]),
  );
  const shape: Node = { name: freeName(graph, `${name}/shape`), op: 'Shape', inputs: [input], attrs: {} };
  const inputs = [shape.name, ...bounds.map((bound) => bound.name)];
  const slice: Node = { name, op: 'StridedSlice', inputs, attrs: { shrink_axis_mask: 1 } };
  return { value: name, nodes: [shape, slice], weights: bounds };
}

/** Whether a node is what `sizeOf` writes. */
function isSizeOf(graph: Graph, { op, inputs, attrs }: Node, { input, axis }: Axis): boolean {
  const [shape, ...bounds] = inputs;
  const written = bounds.map((bound) => graph.weights.get(bound)?.data[0]);
  return (
    op === 'StridedSlice' &&
    Object.keys(attrs).length === 1 &&
    String(written) === String([axis, axis + 1, 1]) &&
    graph.nodes.get(shape!)?.inputs[0] === input &&
    Object.keys(graph.nodes.get(shape!)!.attrs).length === 0
  );
}

const shrinks = ({ attrs }: Node): boolean => attrs['shrink_axis_mask'] === 1;
