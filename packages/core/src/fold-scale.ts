import { shapesOf } from './canonicalize/shapes.ts';
import { changeWeight, Refusal, refuse, scaled } from './change-weight.ts';
import { edit, freeName } from './edit.ts';
import { CqError } from './errors.ts';
import { consumersOf, isOutput, type Graph, type Node } from './graph.ts';
import { constantOperand, onlyFeeds, weightOf } from './match.ts';

/** The graph that computes the same, or the reason why there is none. */
export type Folded = { readonly graph: Graph } | { readonly reason: string };

/**
 * Divides a value by one scale per channel (its last axis) and makes up for it, without a new node: the model's outputs
 * stay, up to rounding.
 *
 *     takes 1/s:    LayerNorm (gamma, beta) · linear layer (columns, bias) · a constant factor
 *     takes s:      linear layer (rows) · the keys of queries and the queries of keys
 *     lets pass:    attention, from its values · Relu, LeakyRelu · Slice, Reshape that leave the last axis alone
 *
 * Source: SmoothQuant (Xiao et al. 2023), eq. 3–4; RepQ-ViT (Li et al. 2023), eq. 9–12; methods 5.2.
 * @param scales Positive and finite, one per channel.
 * @returns the reason where the algebra does not allow it, or a value on the way is quantized or an output already.
 * @throws CqError if the scales are not positive, or as many as there are channels.
 */
export function foldScale(graph: Graph, value: string, scales: ArrayLike<number>): Folded {
  const factor = inverse(value, scales);
  return folded(() => repayScale(absorbScale(graph, value, factor), value, factor));
}

/**
 * As `foldScale`, with a node of its own for 1/s where the value's producer cannot take it, as after a GELU:
 *
 *     value/unbalanced ──► Mul(1/s), now the value ──► consumers, which take s
 *
 * Source: AOCQ's balancing operator (reconstruction; methods 5.2).
 */
export function balance(graph: Graph, value: string, scales: ArrayLike<number>): Folded {
  const factor = inverse(value, scales);
  return folded(() => {
    const producer = graph.nodes.get(value) ?? refuse(`"${value}" is no node`);
    const [inner, constant] = ['unbalanced', 'factor'].map((part) => freeName(graph, `${value}/${part}`)) as [
      string,
      string,
    ];
    const data = Float32Array.from(factor);
    const balanced = edit(graph, {
      nodes: [
        { ...producer, name: inner },
        { name: value, op: 'Mul', inputs: [inner, constant], attrs: {} },
      ],
      weights: [{ name: constant, dtype: 'float32', shape: [data.length], data }],
    });
    return repayScale(balanced, value, factor);
  });
}

/** Runs a fold; a refusal on its way becomes the reason. */
export function folded(fold: () => Graph): Folded {
  try {
    return { graph: fold() };
  } catch (error) {
    if (error instanceof Refusal) return { reason: error.message };
    throw error;
  }
}

function inverse(value: string, scales: ArrayLike<number>): Float64Array {
  return Float64Array.from(scales, (scale) => {
    if (!(scale > 0 && Number.isFinite(1 / scale) && Number.isFinite(scale)))
      throw new CqError(`fold: "${value}": a scale must be positive and finite, got ${scale}`);
    return 1 / scale;
  });
}

const homogeneous: ReadonlySet<string> = new Set(['Relu', 'LeakyRelu']);

/** Makes the producer of a value give value · factor. What reads the value is the caller's concern. */
function absorbScale(graph: Graph, value: string, factor: Float64Array): Graph {
  const node = graph.nodes.get(value) ?? refuse(`"${value}" is no node that could take a scale`);
  const inner = (index: number): Graph => absorbScale(graph, ownInput(graph, node, index), factor);
  if (node.op === 'LayerNorm') {
    const changed = changeWeight(graph, node, 1, (weight) => scaled(weight, 0, factor));
    return changeWeight(changed, changed.nodes.get(value)!, 2, (weight) => scaled(weight, 0, factor));
  }
  if (node.op === 'BiasAdd') return changeWeight(inner(0), node, 1, (weight) => scaled(weight, 0, factor));
  if (node.op === 'MatMul' && weightOf(graph, node.inputs[1])) {
    const axis = node.attrs['transpose_b'] ? 0 : 1;
    return changeWeight(graph, node, 1, (weight) => scaled(weight, axis, factor));
  }
  if (node.op === 'AttentionContext') return inner(1);
  if (homogeneous.has(node.op) || keepsChannels(graph, node, factor.length)) return inner(0);
  const constant = node.op === 'Mul' ? constantOperand(graph, node) : undefined;
  if (constant) {
    const index = constant.value === node.inputs[0] ? 1 : 0;
    const { shape } = constant.weight;
    if (shape.at(-1) === factor.length)
      return changeWeight(graph, node, index, (weight) => scaled(weight, shape.length - 1, factor));
    if (shape.every((size) => size === 1)) {
      const outer = [...shape.slice(0, -1), factor.length];
      return changeWeight(graph, node, index, ({ data }) => Float32Array.from(factor, (by) => data[0]! * by), outer);
    }
  }
  return refuse(`its producer "${value}" (${node.op}) cannot take a scale`);
}

/** Makes the consumers of a value, which is value · factor now, compute what they did before. */
function repayScale(graph: Graph, value: string, factor: Float64Array): Graph {
  if (isOutput(graph, value)) return refuse(`"${value}" is an output of the model`);
  const back = factor.map((by) => 1 / by);
  for (const { name } of consumersOf(graph, value)) graph = repay(graph, graph.nodes.get(name)!);
  return graph;

  function repay(given: Graph, node: Node): Graph {
    const [first, second] = node.inputs;
    if (node.op === 'CqFakeQuantize') return refuse(`"${value}" is quantized already`);
    if (node.op === 'MatMul' && first === value && second !== value && weightOf(given, second)) {
      const axis = node.attrs['transpose_b'] ? 1 : 0;
      return changeWeight(given, node, 1, (weight) => scaled(weight, axis, back));
    }
    if (node.op === 'AttentionLogits' && first !== second) {
      return absorbScale(given, ownInput(given, node, first === value ? 1 : 0), back);
    }
    const passes = homogeneous.has(node.op) || (node.op === 'Mul' && constantOperand(given, node)?.value === value);
    if (
      (node.op === 'AttentionContext' && first !== value) ||
      passes ||
      (first === value && keepsChannels(given, node, factor.length))
    ) {
      return repayScale(given, node.name, factor);
    }
    return refuse(`its consumer "${node.name}" (${node.op}) cannot make up for a scale`);
  }
}

/** The node's input, if nothing else reads it. */
export function ownInput(graph: Graph, node: Node, index: number): string {
  const input = node.inputs[index]!;
  if (graph.nodes.get(input)?.op === 'CqFakeQuantize') return refuse(`"${input}" quantizes it already`);
  return onlyFeeds(graph, input, node) ? input : refuse(`"${input}" has other readers than "${node.name}"`);
}

/** Whether a Slice or a Reshape takes all channels and leaves them where they are. */
export function keepsChannels(graph: Graph, { op, inputs }: Node, channels: number): boolean {
  if (op !== 'Reshape' && op !== 'Slice') return false;
  const shapes = shapesOf(graph);
  const [first, second] = [shapes.integers(inputs[1])?.at(-1), shapes.integers(inputs[2])?.at(-1)];
  if (op === 'Reshape') return first === channels && shapes.of(inputs[0])?.at(-1) === channels;
  return first === 0 && (second === -1 || second === channels);
}
