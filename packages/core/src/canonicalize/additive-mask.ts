import { freeName } from '../edit.ts';
import { consumersOf, isOutput, type Graph, type Node, type Weight } from '../graph.ts';
import { integersWeight } from './constant.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { sameButOnes } from './sizes.ts';

/**
 * What is added to the logits of a token that does not count, whatever the exporter took for minus infinity: its
 * exponential is 0 all the same, and it fits in float16.
 */
const MASKED = -10_000;

/** The least that counts as minus infinity, and the most that counts as nothing: some exporters add a tiny number. */
const [INFINITE, NOTHING] = [-1000, 1e-6];

/**
 * A padding mask on its way to the logits, by whatever arithmetic, with sizes of 1 put in by Reshape or ExpandDims and rows
 * of ones multiplied with it, subtracted or added:
 *
 *     mask [b, t] ─► Reshape(b, 1, 1, t) ─► Cast ─► Sub (1 − ·) ─► Mul (· 1e30) ─► Sub ◄── AttentionLogits
 *
 * becomes     mask ─► Cast ─► Sub (1 − ·) ─► Mul (· −10000) ─► ExpandDims 1 ─► ExpandDims 1 ─► AddV2 ◄── AttentionLogits
 *
 * All logits read the same nodes.
 */
export const additiveMask = everywhere((node, graph) => {
  if ((node.op !== 'AddV2' && node.op !== 'Sub') || !endsInSoftmax(graph, node.name)) return undefined;
  const [a, b] = node.inputs as [string, string];
  const [logits, bias] = isLogits(graph, a) || node.op === 'Sub' ? [a, b] : [b, a];
  const mask = isLogits(graph, logits) ? maskBehind(graph, bias, node.op === 'Sub' ? -1 : 1) : undefined;
  if (mask === undefined) return undefined;
  const known = [...graph.nodes.keys()].find((name) => isWritten(graph, name, mask));
  if (known === bias && node.op === 'AddV2') return undefined;
  const made = known === undefined ? written(graph, freeName(graph, `${node.name}/mask`), mask) : undefined;
  const sum: Node = { name: node.name, op: 'AddV2', inputs: [logits, known ?? made!.name], attrs: {} };
  return { nodes: [...(made?.nodes ?? []), sum], weights: made?.weights ?? [], inside: [] };
});

/** Whether nothing but softmaxes reads the value, other things added perhaps: to them minus infinity is minus 10000. */
function endsInSoftmax(graph: Graph, value: string): boolean {
  if (isOutput(graph, value)) return false;
  return consumersOf(graph, value).every(
    ({ name, op }) => op === 'Softmax' || (op === 'AddV2' && endsInSoftmax(graph, name)),
  );
}

const isLogits = (graph: Graph, value: string): boolean => graph.nodes.get(value)?.op === 'AttentionLogits';

/**
 * The int32 input [b, t] such that `sign` times a value [b, 1, 1 or queries, t] is 0 where the input is 1, and minus
 * infinity where it is 0.
 */
function maskBehind(graph: Graph, value: string, sign: 1 | -1): string | undefined {
  const shapes = shapesOf(graph);
  const [dropped, kept] = [new Map<string, number | undefined>(), new Map<string, number | undefined>()];
  const least = valueAt(graph, value, 0, dropped);
  const most = valueAt(graph, value, 1, kept);
  const [mask, ...others] = graph.inputs.filter(({ name }) => kept.has(name));
  if (least === undefined || most === undefined || !mask || others.length > 0) return undefined;
  if (!(sign * least <= INFINITE) || !(Math.abs(most) <= NOTHING)) return undefined;
  const [shape, sizes] = [shapes.of(value), shapes.of(mask.name)!];
  const isPerKey = shape?.length === 4 && shape[0] === sizes[0] && shape[1] === 1 && shape[3] === sizes[1];
  return isPerKey ? mask.name : undefined;
}

/**
 * What a value is everywhere if the int32 inputs [b, t] behind it are `mask` everywhere; undefined if that does not decide
 * it, or if it does not vary along its last axis as they do.
 * @param known Collects what has been found on the way.
 */
function valueAt(
  graph: Graph,
  value: string,
  mask: number,
  known: Map<string, number | undefined>,
): number | undefined {
  if (!known.has(value)) {
    known.set(value, undefined);
    known.set(value, found(graph, value, mask, known));
  }
  return known.get(value);
}

function found(graph: Graph, value: string, mask: number, known: Map<string, number | undefined>): number | undefined {
  const weight = graph.weights.get(value);
  if (weight) return weight.data.every((number) => number === weight.data[0]) ? weight.data[0] : undefined;
  const input = graph.inputs.find(({ name }) => name === value);
  if (input) return input.dtype === 'int32' && input.shape.length === 2 ? mask : undefined;
  const { op, inputs } = graph.nodes.get(value) ?? { op: '', inputs: [] };
  if (op === 'Fill') return valueAt(graph, inputs[1]!, mask, known);
  if (op === 'ExpandDims' || op === 'Reshape') {
    const [from, to] = [inputs[0], value].map((each) => shapesOf(graph).of(each));
    const keepsKeys = sameButOnes(from, to) && from!.at(-1) === to!.at(-1);
    return keepsKeys ? valueAt(graph, inputs[0]!, mask, known) : undefined;
  }
  const compute = Object.hasOwn(arithmetic, op) ? arithmetic[op]! : undefined;
  const operands = compute && inputs.map((operand) => valueAt(graph, operand, mask, known));
  if (!operands?.every((operand) => operand !== undefined)) return undefined;
  return Math.fround(compute!(...operands));
}

const arithmetic: Readonly<Record<string, (...operands: number[]) => number>> = {
  Cast: (a) => a!,
  Neg: (a) => -a!,
  AddV2: (a, b) => a! + b!,
  Sub: (a, b) => a! - b!,
  Mul: (a, b) => a! * b!,
  Equal: (a, b) => Number(a === b),
  NotEqual: (a, b) => Number(a !== b),
  Greater: (a, b) => Number(a! > b!),
  Less: (a, b) => Number(a! < b!),
  LogicalNot: (a) => Number(a === 0),
  Select: (condition, a, b) => (condition === 0 ? b! : a!),
  SelectV2: (condition, a, b) => (condition === 0 ? b! : a!),
};

interface Written {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly weights: readonly Weight[];
}

function written(graph: Graph, name: string, mask: string): Written {
  const scalar = (part: string, value: number): Weight => ({
    ...{ name: freeName(graph, `${name}/${part}`), dtype: 'float32', shape: [] },
    data: Float32Array.of(value),
  });
  const [one, masked] = [scalar('one', 1), scalar('masked', MASKED)];
  const axis = integersWeight(graph, `${name}/axis`, [1], []);
  const [float, dropped, bias, heads] = ['float', 'dropped', 'bias', 'heads'].map((part) =>
    freeName(graph, `${name}/${part}`),
  ) as [string, string, string, string];
  const types = { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } };
  const nodes: Node[] = [
    { name: float, op: 'Cast', inputs: [mask], attrs: types },
    { name: dropped, op: 'Sub', inputs: [one.name, float], attrs: {} },
    { name: bias, op: 'Mul', inputs: [dropped, masked.name], attrs: {} },
    { name: heads, op: 'ExpandDims', inputs: [bias, axis.name], attrs: {} },
    { name, op: 'ExpandDims', inputs: [heads, axis.name], attrs: {} },
  ];
  return { name, nodes, weights: [one, masked, axis] };
}

/** Whether a value is what `written` makes of the mask. */
function isWritten(graph: Graph, value: string, mask: string): boolean {
  if (graph.nodes.get(value)?.op !== 'ExpandDims') return false;
  const wanted = written(graph, value, mask);
  const constants = new Map(wanted.weights.map((weight) => [weight.name, weight]));
  let at = value;
  for (const { op, inputs, attrs } of [...wanted.nodes].reverse()) {
    const found = graph.nodes.get(at);
    if (found?.op !== op || JSON.stringify(found.attrs) !== JSON.stringify(attrs)) return false;
    const constant = inputs.findIndex((input) => constants.has(input));
    const [given, expected] = [graph.weights.get(found.inputs[constant] ?? ''), constants.get(inputs[constant] ?? '')];
    if (given?.data[0] !== expected?.data[0] || given?.shape.length !== expected?.shape.length) return false;
    at = found.inputs[constant === 0 ? 1 : 0]!;
  }
  return at === mask;
}
