import { freeName } from '../edit.ts';
import type { Graph, Node } from '../graph.ts';
import { integersWeight } from './constant.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { UNKNOWN } from './sizes.ts';

/**
 * Every second, third, … place along one axis or more, where the step divides the axis:
 *
 *     x ─► StridedSlice [:, 1::2]     becomes     x ─► Reshape(b, n / 2, 2, c) ─► Slice [:, :, 1:2] ─► Reshape(b, n / 2, c)
 */
export const strides = everywhere((node, graph) => {
  const steps = node.op === 'StridedSlice' ? stepsOf(graph, node) : undefined;
  if (!steps) return undefined;
  const list = (part: string, values: readonly number[]) => integersWeight(graph, `${node.name}/${part}`, values);
  const split = list(
    'split',
    steps.flatMap(({ size, step }) => (step === 1 ? [size] : [size / step, step])),
  );
  const begin = list(
    'begin',
    steps.flatMap(({ first, step }) => (step === 1 ? [0] : [0, first])),
  );
  const sizes = list(
    'size',
    steps.flatMap(({ step }) => (step === 1 ? [UNKNOWN] : [UNKNOWN, 1])),
  );
  const joined = list(
    'joined',
    steps.map(({ size, step }) => (step === 1 ? size : size / step)),
  );
  const [apart, taken] = ['apart', 'taken'].map((part) => freeName(graph, `${node.name}/${part}`)) as [string, string];
  return {
    nodes: [
      { name: apart, op: 'Reshape', inputs: [node.inputs[0]!, split.name], attrs: {} },
      { name: taken, op: 'Slice', inputs: [apart, begin.name, sizes.name], attrs: {} },
      { name: node.name, op: 'Reshape', inputs: [taken, joined.name], attrs: {} },
    ],
    weights: [split, begin, sizes, joined],
    inside: [],
  };
});

/** What is taken along an axis: every `step`-th place from `first` on. Sizes that vary are UNKNOWN. */
interface Step {
  readonly size: number;
  readonly first: number;
  readonly step: number;
}

/** The steps along all axes; undefined if none is more than 1, or if the ends of an axis are cut off. */
function stepsOf(graph: Graph, { inputs, attrs }: Node): readonly Step[] | undefined {
  const sizes = shapesOf(graph).of(inputs[0]);
  const [begins, ends, strides] = inputs.slice(1).map((input) => graph.weights.get(input)?.data);
  if (!sizes || !begins || !ends || !strides || !strides.some((step) => step > 1)) return undefined;
  if (sizes.filter((size) => size < 0).length > 1) return undefined;
  if (attrs['ellipsis_mask'] || attrs['new_axis_mask'] || attrs['shrink_axis_mask']) return undefined;
  const flag = (name: string, axis: number): boolean => ((Number(attrs[name] ?? 0) >> axis) & 1) === 1;
  const steps: Step[] = [];
  for (const [axis, size] of sizes.entries()) {
    const step = strides[axis] ?? 1;
    const first = flag('begin_mask', axis) ? 0 : (begins[axis] ?? 0);
    const toEnd = axis >= ends.length || flag('end_mask', axis) || (size >= 0 && ends[axis]! > size - step + first);
    if (!toEnd || step < 1 || first < 0 || first >= step || (step > 1 && (size < 0 || size % step !== 0)))
      return undefined;
    steps.push({ size: Math.max(size, UNKNOWN), first, step });
  }
  return steps;
}
