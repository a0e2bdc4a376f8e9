import { numberAttr, type Node } from '../graph.ts';
import { UNKNOWN, type Shapes, type Sizes } from './sizes.ts';

/** Shapes while they are being found, as written. */
export interface Facts extends Pick<Shapes, 'of' | 'integers'> {
  /** Whether two sizes are known to be one. */
  same(a: number, b: number): boolean;
  /** Notes that two sizes are one. */
  meet(a: number, b: number): void;
}

type ShapeRule = (node: Node, shapes: Facts) => Sizes | undefined;

const like: ShapeRule = ({ inputs }, shapes) => shapes.of(inputs[0]);

const broadcast: ShapeRule = ({ inputs }, shapes) => broadcasted(shapes.of(inputs[0]), shapes.of(inputs[1]), shapes);

function broadcasted(a: Sizes | undefined, b: Sizes | undefined, { meet }: Facts): Sizes | undefined {
  if (!a || !b) return undefined;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [left, right] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (left === 1 || right === 1) return left === 1 ? right : left;
    if (left >= 0 || right >= 0) return Math.max(left, right);
    if (left === UNKNOWN || right === UNKNOWN) return UNKNOWN;
    meet(left, right);
    return left;
  });
}

const product: ShapeRule = ({ inputs, attrs }, shapes) => {
  const [a, b] = [shapes.of(inputs[0]), shapes.of(inputs[1])];
  const batch = broadcasted(a?.slice(0, -2), b?.slice(0, -2), shapes);
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
    if (x[axis]! < 0) return UNKNOWN;
    const span = attrs['padding'] === 'SAME' ? x[axis]! : x[axis]! - w[axis - 1]! + 1;
    return Math.ceil(span / strides[axis]!);
  };
  return attrs['padding'] === 'SAME' || attrs['padding'] === 'VALID' ? [x[0]!, size(1), size(2), w[3]!] : undefined;
};

const each = (ops: string, rule: ShapeRule): Record<string, ShapeRule> =>
  Object.fromEntries(ops.split(' ').map((op) => [op, rule]));

export const shapeRules: Readonly<Record<string, ShapeRule>> = {
  ...each('Identity StopGradient BiasAdd Softmax Gelu LayerNorm Cast', like),
  ...each('CqMask CqFakeQuantize CqQuantize CqDequantize CqFusedLayerNorm CqFusedGelu CqFusedSoftmax', like),
  ...each('Relu Relu6 Elu LeakyRelu Tanh Sigmoid Erf Exp Neg Square Sqrt Rsqrt Reciprocal LogicalNot', like),
  ...each('AddV2 Add Sub Mul RealDiv Div SquaredDifference Pow Maximum Minimum', broadcast),
  ...each('Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr', broadcast),
  ...each('Select SelectV2', ({ inputs }, shapes) => {
    const [condition, a, b] = inputs.map((input) => shapes.of(input));
    return broadcasted(condition, broadcasted(a, b, shapes), shapes);
  }),
  ...each('MatMul BatchMatMul BatchMatMulV2 _FusedMatMul', product),
  ...each('Mean Sum Max Min Prod', reduction),
  ...each('Conv2D _FusedConv2D', convolution),

  Reshape({ inputs }, shapes) {
    const [x, target] = [shapes.of(inputs[0]), shapes.integers(inputs[1])];
    if (x && target) reshapedInto(x, target, shapes);
    if (!x || !target || target.filter((size) => size === UNKNOWN).length !== 1) return target;
    const rest = remaining(x, target, shapes);
    return target.map((size) => (size === UNKNOWN ? rest : size));
  },
  Transpose({ inputs }, shapes) {
    const [x, order] = [shapes.of(inputs[0]), shapes.integers(inputs[1])];
    return x && order?.map((axis) => x[axis]!);
  },
  Pad({ inputs }, shapes) {
    const [x, paddings] = [shapes.of(inputs[0]), shapes.integers(inputs[1])];
    if (!x || !paddings) return undefined;
    const added = x.map((_, axis) => paddings[2 * axis]! + paddings[2 * axis + 1]!);
    return x.map((size, axis) => (added[axis] === 0 ? size : size < 0 ? UNKNOWN : size + added[axis]!));
  },
  Slice({ inputs }, shapes) {
    const [x, begin, size] = [shapes.of(inputs[0]), shapes.integers(inputs[1]), shapes.integers(inputs[2])];
    if (!x || !begin || !size) return undefined;
    return x.map((length, i) => (size[i] === UNKNOWN ? rest(length, begin[i]!) : size[i]!));
  },
  ConcatV2({ inputs }, shapes) {
    const parts = inputs.slice(0, -1).map((input) => shapes.of(input));
    const [first] = parts;
    const at = shapes.integers(inputs.at(-1))?.[0];
    if (!first || at === undefined || !parts.every((part) => part?.length === first.length)) return undefined;
    const axis = at < 0 ? at + first.length : at;
    const sum = parts.reduce((total, part) => (total < 0 || part![axis]! < 0 ? UNKNOWN : total + part![axis]!), 0);
    return first.map((size, i) => (i === axis ? sum : Math.max(...parts.map((part) => part![i]!), size)));
  },
  GatherV2({ inputs, attrs }, shapes) {
    const [table, indices] = [shapes.of(inputs[0]), shapes.of(inputs[1])];
    const at = shapes.integers(inputs[2])?.[0];
    if (!table || !indices || at === undefined || (attrs['batch_dims'] ?? 0) !== 0) return undefined;
    const axis = at < 0 ? at + table.length : at;
    return [...table.slice(0, axis), ...indices, ...table.slice(axis + 1)];
  },
  Range({ inputs }, shapes) {
    const [start, limit, delta] = inputs.map((input) => shapes.integers(input)?.[0]);
    return limit !== undefined && start === 0 && delta === 1 ? [limit] : [UNKNOWN];
  },
  OneHot({ inputs, attrs }, shapes) {
    const [indices, depth] = [shapes.of(inputs[0]), shapes.integers(inputs[1])?.[0]];
    return indices && (attrs['axis'] ?? -1) === -1 ? [...indices, depth ?? UNKNOWN] : undefined;
  },
  Shape({ inputs }, shapes) {
    const rank = shapes.of(inputs[0])?.length;
    return rank === undefined ? undefined : [rank];
  },
  Fill: ({ inputs }, shapes) => shapes.integers(inputs[0]),
  BroadcastTo: ({ inputs }, shapes) => shapes.integers(inputs[1]),
  Tile({ inputs }, shapes) {
    const [x, times] = [shapes.of(inputs[0]), shapes.integers(inputs[1])];
    return x && times && x.map((size, i) => multiplied(size, times[i]!));
  },
  ExpandDims({ inputs }, shapes) {
    const [x, at] = [shapes.of(inputs[0]), shapes.integers(inputs[1])?.[0]];
    if (!x || at === undefined) return undefined;
    const axis = at < 0 ? at + x.length + 1 : at;
    return [...x.slice(0, axis), 1, ...x.slice(axis)];
  },
  Squeeze({ inputs, attrs }, shapes) {
    const [x, axes] = [shapes.of(inputs[0]), attrs['squeeze_dims'] ?? attrs['axis']];
    if (!x || !Array.isArray(axes) || axes.length === 0) return undefined;
    const dropped = new Set((axes as Sizes).map((axis) => (axis < 0 ? axis + x.length : axis)));
    return x.filter((_, axis) => !dropped.has(axis));
  },
  AttentionLogits(node, shapes) {
    const [batch, tokens] = batchAndTokens(node, shapes.of(node.inputs[0]));
    return [batch, numberAttr(node, 'heads'), tokens, tokens];
  },
  ...each('AttentionContext CqFusedContext', (node, shapes) => {
    const [batch, tokens] = batchAndTokens(node, shapes.of(node.inputs[1]));
    return [batch, tokens, numberAttr(node, 'heads') * numberAttr(node, 'depth')];
  }),
  Patches(node, shapes) {
    const batch = shapes.of(node.inputs[0])?.[0] ?? UNKNOWN;
    const count = numberAttr(node, 'rows') * numberAttr(node, 'columns');
    return [batch, count, numberAttr(node, 'channels') * numberAttr(node, 'size') ** 2];
  },
};

/** Between two shapes that differ by sizes of 1, the others meet. */
function reshapedInto(x: Sizes, target: Sizes, { meet }: Facts): void {
  const before = x.filter((size) => size !== 1);
  const after = target.filter((size) => size !== 1);
  if (before.length !== after.length || before.some((size, i) => size >= 0 && after[i]! >= 0 && size !== after[i]))
    return;
  before.forEach((size, i) => {
    if (size < UNKNOWN && after[i]! < UNKNOWN) meet(size, after[i]!);
  });
}

/** What the one unwritten size of a Reshape is: sizes that vary cancel out, the others divide. */
function remaining(x: Sizes, target: Sizes, { same }: Facts): number {
  const varying = x.filter((size) => size < 0);
  for (const size of target) {
    if (size >= 0 || size === UNKNOWN) continue;
    const at = varying.findIndex((other) => same(other, size));
    if (at < 0) return UNKNOWN;
    varying.splice(at, 1);
  }
  const count = (sizes: Sizes): number => sizes.reduce((product, size) => (size < 0 ? product : product * size), 1);
  const factor = count(x) / count(target);
  if (varying.length === 0) return Number.isInteger(factor) ? factor : UNKNOWN;
  return varying.length === 1 && factor === 1 ? varying[0]! : UNKNOWN;
}

/** From `begin` to the end of an axis. */
function rest(length: number, begin: number): number {
  return begin === 0 ? length : length < 0 || begin < 0 ? UNKNOWN : length - begin;
}

function multiplied(size: number, times: number): number {
  if (size === 1 || times === 1) return size === 1 ? times : size;
  return size < 0 || times < 0 ? UNKNOWN : size * times;
}

/** The sizes of [batch, tokens, channels], the tokens those of the node where it tells. */
function batchAndTokens(node: Node, x: Sizes | undefined): [batch: number, tokens: number] {
  const tokens = numberAttr(node, 'tokens');
  return [x?.[0] ?? UNKNOWN, tokens === UNKNOWN ? (x?.[1] ?? UNKNOWN) : tokens];
}
