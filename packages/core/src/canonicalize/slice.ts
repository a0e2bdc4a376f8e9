import { freeName } from '../edit.ts';
import type { Graph, Node, Weight } from '../graph.ts';
import { weightOf } from '../match.ts';
import { integersWeight } from './constant.ts';
import { everywhere, type Rewrite } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { isSizeList, sizeList } from './size-list.ts';
import { UNKNOWN, type Sizes } from './sizes.ts';

/** x ─► Slice with a size written out, or computed     becomes     x ─► Slice with -1 for what reaches to the end */
export const slice = everywhere((node, graph) => {
  if (node.op !== 'Slice') return undefined;
  const [x, begin, size] = node.inputs as [string, string, string];
  const sizes = shapesOf(graph).asWritten(x);
  const begins = graph.weights.get(begin)?.data;
  const written = writtenSizes(graph, size);
  if (!sizes || !begins || written?.length !== sizes.length) return undefined;
  const wanted = written.map((length, axis) => (begins[axis] === 0 && length === sizes[axis] ? UNKNOWN : length));
  if (isSizeList(graph, size, wanted)) return undefined;
  const list = sizeList(graph, `${node.name}/size`, wanted);
  return {
    nodes: [...list.nodes, { ...node, inputs: [x, begin, list.value] }],
    weights: list.weights,
    inside: [],
  };
});

/** The sizes of a Slice, in which -1 always is what a constant says; undefined if one is not known. */
function writtenSizes(graph: Graph, size: string): Sizes | undefined {
  const sizes = shapesOf(graph).integers(size);
  const parts = graph.weights.has(size) ? undefined : graph.nodes.get(size)?.inputs;
  const known = sizes?.every((length, axis) => length !== UNKNOWN || !parts || graph.weights.has(parts[axis]!));
  return known ? sizes : undefined;
}

/**
 * Sections by bounds, and the one at an index:
 *
 *     x ─► StridedSlice [:, 2:5]     becomes     x ─► Slice
 *     x ─► StridedSlice [:, 0]       becomes     x ─► Slice ─► Squeeze
 *     x ─► StridedSlice [:, new]     becomes     x ─► ExpandDims
 *     x ─► GatherV2 0 {axis: 1}      becomes     x ─► Slice ─► Squeeze
 */
export const section = everywhere((node, graph) => {
  if (node.op === 'GatherV2') return atIndex(graph, node);
  if (node.op !== 'StridedSlice') return undefined;
  const bounds = boundsOf(graph, node);
  return bounds && cut(graph, node, bounds);
});

/** What becomes of the axes of a value. */
interface Bounds {
  readonly begin: readonly number[];
  readonly size: Sizes;
  /** Axes of x with the one size 1 that go. */
  readonly dropped: readonly number[];
  /** Axes of the result with size 1 that come. */
  readonly added: readonly number[];
}

function cut(graph: Graph, node: Node, { begin, size, dropped, added }: Bounds): Rewrite {
  const nodes: Node[] = [];
  const weights: Weight[] = [];
  let value = node.inputs[0]!;
  const step = (part: string, op: string, operands: readonly Weight[], attrs: Node['attrs'] = {}): void => {
    const name = freeName(graph, `${node.name}/${part}`);
    weights.push(...operands);
    nodes.push({ name, op, inputs: [value, ...operands.map((operand) => operand.name)], attrs });
    value = name;
  };
  if (begin.some((at) => at !== 0) || size.some((length) => length !== UNKNOWN)) {
    const list = sizeList(graph, `${node.name}/size`, size);
    const at = integersWeight(graph, `${node.name}/begin`, begin);
    const name = freeName(graph, `${node.name}/slice`);
    nodes.push(...list.nodes, { name, op: 'Slice', inputs: [value, at.name, list.value], attrs: {} });
    weights.push(at, ...list.weights);
    value = name;
  }
  if (dropped.length > 0) step('squeezed', 'Squeeze', [], { squeeze_dims: dropped });
  for (const axis of added) {
    step(`expanded_${axis}`, 'ExpandDims', [integersWeight(graph, `${node.name}/axis_${axis}`, [axis], [])]);
  }
  if (nodes.length === 0)
    return { nodes: [{ name: node.name, op: 'Identity', inputs: [value], attrs: {} }], inside: [] };
  return {
    nodes: nodes.map((part) => (part.name === value ? { ...part, name: node.name } : part)),
    weights,
    inside: [],
  };
}

/** The bounds of a StridedSlice that takes every value between them; not of a list, which may be a shape. */
function boundsOf(graph: Graph, { inputs, attrs }: Node): Bounds | undefined {
  const shapes = shapesOf(graph);
  const x = shapes.of(inputs[0]);
  const [from, to, steps] = inputs.slice(1).map((input) => shapes.integers(input));
  const isConstant = [1, 3].every((i) => graph.weights.has(inputs[i]!));
  if (!x || x.length < 2 || !from || !to || !isConstant || !steps?.every((step) => step === 1)) return undefined;
  const flag = (name: string, i: number): boolean => ((Number(attrs[`${name}_mask`] ?? 0) >> i) & 1) === 1;
  const [begin, size, dropped, added]: [number[], number[], number[], number[]] = [[], [], [], []];
  const whole = (): void => void [begin.push(0), size.push(UNKNOWN)];
  let result = 0;
  for (const i of from.keys()) {
    const axis = begin.length;
    if (flag('ellipsis', i)) {
      const named = from.filter((_, k) => k > i && !flag('new_axis', k)).length;
      for (; begin.length < x.length - named; result++) whole();
    } else if (flag('new_axis', i)) {
      added.push(result++);
    } else {
      const length = x[axis];
      if (length === undefined) return undefined;
      const start = flag('begin', i) && !flag('shrink_axis', i) ? 0 : fromFront(from[i]!, length);
      if (start === undefined) return undefined;
      begin.push(start);
      if (flag('shrink_axis', i)) {
        size.push(1);
        dropped.push(axis);
        continue;
      }
      const count = flag('end', i) ? UNKNOWN : lengthOf(graph, start, inputs[2]!, i, to[i]!, length);
      if (count === undefined) return undefined;
      size.push(count);
      result++;
    }
  }
  while (begin.length < x.length) whole();
  return { begin, size, dropped, added };
}

/** An index from the front; undefined if it lies beyond, or counts from an end that varies. */
function fromFront(index: number, length: number): number | undefined {
  if (index >= 0) return length < 0 || index < length ? index : undefined;
  return length >= 0 && index + length >= 0 ? index + length : undefined;
}

/** How many values lie between `start` and an end: constant, or a size of an input. */
function lengthOf(
  graph: Graph,
  start: number,
  ends: string,
  i: number,
  end: number,
  length: number,
): number | undefined {
  const varies = shapesOf(graph).axisOf(end) !== undefined;
  if (varies) return start === 0 ? end : undefined;
  if (!graph.weights.has(ends) && !graph.weights.has(graph.nodes.get(ends)?.inputs[i] ?? '')) return undefined;
  if (length < 0) return end === start + 1 ? 1 : undefined; // others may lie behind the end
  const stop = end < 0 ? end + length : Math.min(end, length);
  return stop > start ? stop - start : undefined;
}

/** The section at a constant index along one axis of what is no table. */
function atIndex(graph: Graph, node: Node): Rewrite | undefined {
  const [x, index, axis] = node.inputs as [string, string, string];
  const shapes = shapesOf(graph);
  const sizes = shapes.of(x);
  const [at, along] = [graph.weights.get(index), shapes.integers(axis)?.[0]];
  if (weightOf(graph, x) || !sizes || sizes.length < 2 || at?.shape.length !== 0 || along === undefined)
    return undefined;
  const dropped = along < 0 ? along + sizes.length : along;
  const start = fromFront(at.data[0]!, sizes[dropped]!);
  if (start === undefined || (node.attrs['batch_dims'] ?? 0) !== 0) return undefined;
  const begin = sizes.map((_, i) => (i === dropped ? start : 0));
  const size = sizes.map((_, i) => (i === dropped ? 1 : UNKNOWN));
  return cut(graph, node, { begin, size, dropped: [dropped], added: [] });
}

/** x ─► Squeeze     becomes     x ─► Reshape, if at most one size varies */
export const squeeze = everywhere((node, graph) => {
  const sizes = node.op === 'Squeeze' ? shapesOf(graph).of(node.name) : undefined;
  if (!sizes?.length || sizes.filter((size) => size < 0).length > 1) return undefined;
  const list = integersWeight(
    graph,
    `${node.name}/shape`,
    sizes.map((size) => Math.max(size, UNKNOWN)),
  );
  return {
    nodes: [{ name: node.name, op: 'Reshape', inputs: [node.inputs[0]!, list.name], attrs: {} }],
    weights: [list],
    inside: [],
  };
});
