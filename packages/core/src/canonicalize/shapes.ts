import { numberAttr, type Graph, type Node } from '../graph.ts';

/** Sizes by axis; -1 where a size may vary. */
export type Sizes = readonly number[];

export interface Shapes {
  /** The shape of a value; undefined if not even its rank is known. */
  of(value: string | undefined): Sizes | undefined;
  /** A list of integers that follows from constants and shapes, -1 where one may vary; a scalar is a list of one. */
  integers(value: string | undefined): Sizes | undefined;
}

const cache = new WeakMap<Graph, Shapes>();

/** What can be said about shapes without running the graph. */
export function shapesOf(graph: Graph): Shapes {
  const known = cache.get(graph);
  if (known) return known;
  const shapes = new Map<string, Sizes>();
  const found: Shapes = {
    of: (value) => (value === undefined ? undefined : shapes.get(value)),
    integers: (value) => integers(graph, found, value),
  };
  for (const { name, shape } of [...graph.inputs, ...graph.weights.values()]) shapes.set(name, shape);
  for (const node of graph.nodes.values()) {
    const shape = Object.hasOwn(rules, node.op) ? rules[node.op]!(node, found) : undefined;
    if (shape) shapes.set(node.name, shape);
  }
  cache.set(graph, found);
  return found;
}

/** Whether two shapes must be one wherever both have as many values: at most one axis rests on that count. */
export function sameWherePossible(a: Sizes, b: Sizes): boolean {
  return a.length === b.length && a.filter((size, axis) => size < 0 || size !== b[axis]).length <= 1;
}

/** Whether a shape is any batch with these sizes behind it. */
export const hasSizes = (shape: Sizes | undefined, sizes: Sizes): boolean =>
  shape?.length === sizes.length + 1 && sizes.every((size, i) => size === shape[i + 1]);

type ShapeRule = (node: Node, shapes: Shapes) => Sizes | undefined;

const like: ShapeRule = ({ inputs }, shapes) => shapes.of(inputs[0]);

const broadcast: ShapeRule = ({ inputs }, shapes) => broadcasted(shapes.of(inputs[0]), shapes.of(inputs[1]));

function broadcasted(a: Sizes | undefined, b: Sizes | undefined): Sizes | undefined {
  if (!a || !b) return undefined;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [left, right] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    return left === 1 ? right : right === 1 || left >= 0 ? left : right;
  });
}

const product: ShapeRule = ({ inputs, attrs }, shapes) => {
  const [a, b] = [shapes.of(inputs[0]), shapes.of(inputs[1])];
  const batch = broadcasted(a?.slice(0, -2), b?.slice(0, -2));
  if (!a || !b || !batch || a.length < 2 || b.length < 2) return undefined;
  const rows = a.at(attrs['transpose_a'] || attrs['adj_x'] ? -1 : -2)!;
  const columns = b.at(attrs['transpose_b'] || attrs['adj_y'] ? -2 : -1)!;
  return [...batch, rows, columns];
};

const reduction: ShapeRule = ({ inputs, attrs }, shapes) => {
  const [x, axes] = [shapes.of(inputs[0]), shapes.integers(inputs[1])];
  if (!x || !axes) return undefined;
  const reduced = new Set(axes.map((axis) => (axis < 0 ? axis + x.length : axis)));
  return attrs['keep_dims'] ? x.map((size, i) => (reduced.has(i) ? 1 : size)) : x.filter((_, i) => !reduced.has(i));
};

const convolution: ShapeRule = ({ inputs, attrs }, shapes) => {
  const [x, w] = [shapes.of(inputs[0]), shapes.of(inputs[1])];
  const strides = attrs['strides'] as Sizes;
  if (x?.length !== 4 || w?.length !== 4 || (attrs['data_format'] ?? 'NHWC') !== 'NHWC') return undefined;
  if (!Array.isArray(strides) || (attrs['dilations'] as Sizes | undefined)?.some((size) => size !== 1))
    return undefined;
  const size = (axis: 1 | 2): number => {
    if (x[axis]! < 0) return -1;
    const span = attrs['padding'] === 'SAME' ? x[axis]! : x[axis]! - w[axis - 1]! + 1;
    return Math.ceil(span / strides[axis]!);
  };
  return attrs['padding'] === 'SAME' || attrs['padding'] === 'VALID' ? [x[0]!, size(1), size(2), w[3]!] : undefined;
};

const each = (ops: string, rule: ShapeRule): Record<string, ShapeRule> =>
  Object.fromEntries(ops.split(' ').map((op) => [op, rule]));

const rules: Readonly<Record<string, ShapeRule>> = {
  ...each('Identity StopGradient BiasAdd Softmax Gelu LayerNorm CqMask CqFakeQuantize Cast', like),
  ...each('Relu Relu6 Elu LeakyRelu Tanh Sigmoid Erf Exp Neg Square Sqrt Rsqrt Reciprocal', like),
  ...each('AddV2 Add Sub Mul RealDiv Div SquaredDifference Pow Maximum Minimum', broadcast),
  ...each('MatMul BatchMatMul BatchMatMulV2 _FusedMatMul', product),
  ...each('Mean Sum Max Min Prod', reduction),
  ...each('Conv2D _FusedConv2D', convolution),

  Reshape({ inputs }, shapes) {
    const [x, target] = [shapes.of(inputs[0]), shapes.integers(inputs[1])];
    if (!x || !target || x.includes(-1) || target.filter((size) => size < 0).length !== 1) return target;
    const rest = target.reduce((count, size) => (size < 0 ? count : count * size), 1);
    return target.map((size) => (size < 0 ? x.reduce((count, length) => count * length, 1) / rest : size));
  },
  Transpose({ inputs }, shapes) {
    const [x, order] = [shapes.of(inputs[0]), shapes.integers(inputs[1])];
    return x && order?.map((axis) => x[axis]!);
  },
  Pad({ inputs }, shapes) {
    const [x, paddings] = [shapes.of(inputs[0]), shapes.integers(inputs[1])];
    return x && paddings && x.map((size, i) => (size < 0 ? -1 : size + paddings[2 * i]! + paddings[2 * i + 1]!));
  },
  Slice({ inputs }, shapes) {
    const [x, begin, size] = [shapes.of(inputs[0]), shapes.integers(inputs[1]), shapes.integers(inputs[2])];
    if (!x || !begin || !size) return undefined;
    return x.map((length, i) => (size[i]! >= 0 ? size[i]! : length < 0 ? -1 : length - begin[i]!));
  },
  ConcatV2({ inputs }, shapes) {
    const parts = inputs.slice(0, -1).map((input) => shapes.of(input));
    const [first] = parts;
    const at = shapes.integers(inputs.at(-1))?.[0];
    if (!first || at === undefined || !parts.every((part) => part?.length === first.length)) return undefined;
    const axis = at < 0 ? at + first.length : at;
    const sum = parts.reduce((total, part) => (total < 0 || part![axis]! < 0 ? -1 : total + part![axis]!), 0);
    return first.map((size, i) => (i === axis ? sum : Math.max(...parts.map((part) => part![i]!), size)));
  },
  BroadcastTo: ({ inputs }, shapes) => shapes.integers(inputs[1]),
  Tile({ inputs }, shapes) {
    const [x, times] = [shapes.of(inputs[0]), shapes.integers(inputs[1])];
    return x && times && x.map((size, i) => (size < 0 || times[i]! < 0 ? -1 : size * times[i]!));
  },
  ExpandDims({ inputs }, shapes) {
    const [x, at] = [shapes.of(inputs[0]), shapes.integers(inputs[1])?.[0]];
    if (!x || at === undefined) return undefined;
    const axis = at < 0 ? at + x.length + 1 : at;
    return [...x.slice(0, axis), 1, ...x.slice(axis)];
  },
  AttentionLogits(node, shapes) {
    const batch = shapes.of(node.inputs[0])?.[0] ?? -1;
    return [batch, numberAttr(node, 'heads'), numberAttr(node, 'tokens'), numberAttr(node, 'tokens')];
  },
  AttentionContext(node, shapes) {
    const batch = shapes.of(node.inputs[0])?.[0] ?? -1;
    return [batch, numberAttr(node, 'tokens'), numberAttr(node, 'heads') * numberAttr(node, 'depth')];
  },
  Patches(node, shapes) {
    const batch = shapes.of(node.inputs[0])?.[0] ?? -1;
    const count = numberAttr(node, 'rows') * numberAttr(node, 'columns');
    return [batch, count, numberAttr(node, 'channels') * numberAttr(node, 'size') ** 2];
  },
};

/** The arithmetic on shapes by which exporters write a target that depends on the batch. */
function integers(graph: Graph, shapes: Shapes, value: string | undefined): Sizes | undefined {
  if (value === undefined) return undefined;
  const weight = graph.weights.get(value);
  if (weight) return weight.dtype === 'int32' ? [...weight.data] : undefined;
  const node = graph.nodes.get(value);
  if (!node) return undefined;
  const [first, second] = node.inputs;
  const [a, b] = [() => shapes.integers(first), () => shapes.integers(second)];
  switch (node.op) {
    case 'Shape':
      return shapes.of(first);
    case 'Identity':
    case 'Cast':
    case 'ExpandDims':
    case 'Squeeze':
      return a();
    case 'Pack': {
      const parts = node.inputs.map((input) => shapes.integers(input) ?? [-1]);
      return parts.every((part) => part.length === 1) ? parts.flat() : undefined;
    }
    case 'ConcatV2': {
      const parts = node.inputs.slice(0, -1).map((input) => shapes.integers(input));
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    case 'GatherV2': {
      const list = a();
      return list && b()?.map((index) => list[index] ?? -1);
    }
    case 'StridedSlice':
      return section(node, shapes);
    case 'Prod':
      return a() && [a()!.reduce((count, size) => (count < 0 || size < 0 ? -1 : count * size), 1)];
    case 'Mul': {
      const [left, right] = [a(), b()];
      if (left?.length !== 1 || right?.length !== 1) return undefined;
      return [left[0]! < 0 || right[0]! < 0 ? -1 : left[0]! * right[0]!];
    }
    default:
      return undefined;
  }
}

function section({ inputs, attrs }: Node, shapes: Shapes): Sizes | undefined {
  const [list, begin, end, step] = inputs.map((input) => shapes.integers(input));
  if (!list || begin?.length !== 1 || end?.length !== 1 || step?.[0] !== 1) return undefined;
  if (attrs['ellipsis_mask'] || attrs['new_axis_mask']) return undefined;
  const from = attrs['begin_mask'] ? 0 : begin[0]!;
  if (attrs['shrink_axis_mask']) return list.slice(from).slice(0, 1);
  return list.slice(from, attrs['end_mask'] ? undefined : end[0]!);
}
