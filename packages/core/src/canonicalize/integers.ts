import type { Graph, Node } from '../graph.ts';
import { UNKNOWN, type Shapes, type Sizes } from './sizes.ts';

/** The arithmetic on shapes by which exporters write a target that depends on the batch. */
export function integers(graph: Graph, shapes: Shapes, value: string | undefined): Sizes | undefined {
  if (value === undefined) return undefined;
  const weight = graph.weights.get(value);
  if (weight) return weight.dtype === 'int32' ? [...weight.data] : undefined;
  const node = graph.nodes.get(value);
  if (!node) return undefined;
  const [first, second] = node.inputs;
  const a = (): Sizes | undefined => shapes.integers(first);
  switch (node.op) {
    case 'Shape':
      return shapes.asWritten(first);
    case 'Identity':
    case 'Cast':
    case 'ExpandDims':
    case 'Squeeze':
    case 'Reshape':
      return a();
    case 'Pack': {
      const parts = node.inputs.map((input) => shapes.integers(input) ?? [UNKNOWN]);
      return parts.every((part) => part.length === 1) ? parts.flat() : undefined;
    }
    case 'ConcatV2': {
      const parts = node.inputs.slice(0, -1).map((input) => shapes.integers(input));
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    case 'GatherV2': {
      const [list, indices] = [a(), graph.weights.get(second!)?.data];
      if (!isList(shapes, first) || !list || !indices) return undefined;
      return Array.from(indices, (index) => list.at(index) ?? UNKNOWN);
    }
    case 'StridedSlice':
      return isList(shapes, first) ? section(graph, node, a()) : undefined;
    case 'Prod':
      return a() && [a()!.reduce((count, size) => (count < 0 || size < 0 ? UNKNOWN : count * size), 1)];
    case 'Mul': {
      const [left, right] = [a(), shapes.integers(second)];
      if (left?.length !== 1 || right?.length !== 1) return undefined;
      return [left[0]! < 0 || right[0]! < 0 ? UNKNOWN : left[0]! * right[0]!];
    }
    default:
      return undefined;
  }
}

/** Whether a value has one axis, as far as is known: the list of its integers says nothing of others. */
const isList = (shapes: Shapes, value: string | undefined): boolean => (shapes.of(value)?.length ?? 1) === 1;

function section(graph: Graph, { inputs, attrs }: Node, list: Sizes | undefined): Sizes | undefined {
  const [begin, end, step] = inputs.slice(1).map((input) => graph.weights.get(input)?.data);
  if (!list || begin?.length !== 1 || end?.length !== 1 || step?.[0] !== 1) return undefined;
  if (attrs['ellipsis_mask'] || attrs['new_axis_mask']) return undefined;
  const from = attrs['begin_mask'] ? 0 : begin[0];
  if (attrs['shrink_axis_mask']) return list.slice(from).slice(0, 1);
  return list.slice(from, attrs['end_mask'] ? undefined : end[0]);
}
