import type { Graph, Node } from './graph.ts';
import { constantOperand, onlyFeeds, weightOf } from './match.ts';

/** Attention logits, and the masks that are added to them before the softmax. */
export interface MaskedLogits {
  /** The value [batch, heads, queries, keys] before the masks, annotations included. */
  readonly logits: string;
  /** An int32 value [batch, keys]: 0 = padding, 1 = look at it. */
  readonly padding?: string;
  readonly windows?: WindowMask;
  /** The nodes that add the masks, the last one first. */
  readonly nodes: readonly string[];
}

/** A constant mask for each of the windows that a batch is made of: item b has mask b modulo `count`. */
export interface WindowMask {
  readonly count: number;
  readonly tokens: number;
  /** Whether a query looks at a key: 0 or 1, [count, queries, keys]. */
  readonly visible: Uint8Array;
  /** The least that is taken from the logit of a key that a query does not look at. */
  readonly least: number;
}

/** What a padding mask subtracts at least. */
const PADDED = 1000;

/** What a constant subtracts at least if it is a mask: shifted windows take 100. */
const APART = 100;

/** What `softmax` reads. A mask whose result something else reads too counts as part of the logits. */
export function maskedLogits(graph: Graph, softmax: Node): MaskedLogits {
  let found: MaskedLogits = { logits: softmax.inputs[0]!, nodes: [] };
  for (let reader = softmax; ;) {
    if (!onlyFeeds(graph, found.logits, reader)) return found;
    const under =
      (!found.padding && withoutPadding(graph, found.logits)) ||
      (!found.windows && withoutWindows(graph, found.logits));
    if (!under) return found;
    found = { ...found, ...under, nodes: [...found.nodes, ...under.nodes] };
    reader = graph.nodes.get(under.nodes.at(-1)!)!;
  }
}

/**
 * logits ────────────────────────────────────────────────────────────────► AddV2
 * mask ─► Cast ─► Sub (1 − ·) ─► Mul (· −10000) ─► ExpandDims, Reshape ─┘
 */
function withoutPadding(graph: Graph, value: string): MaskedLogits | undefined {
  const node = graph.nodes.get(value);
  if (node?.op !== 'AddV2') return undefined;
  for (const [logits, other] of [node.inputs, [...node.inputs].reverse()] as [string, string][]) {
    const padding = paddingMask(graph, other);
    if (padding !== undefined) return { logits, padding, nodes: [node.name] };
  }
  return undefined;
}

/** The int32 mask behind an additive one. */
function paddingMask(graph: Graph, value: string): string | undefined {
  let node = graph.nodes.get(value);
  while (node && reshapes.has(node.op)) node = graph.nodes.get(node.inputs[0]!);
  const product = node?.op === 'Mul' ? constantOperand(graph, node) : undefined;
  if (product?.weight.data.length !== 1 || !(product.weight.data[0]! <= -PADDED)) return undefined;
  node = graph.nodes.get(product.value);
  while (node && reshapes.has(node.op)) node = graph.nodes.get(node.inputs[0]!);
  if (node?.op !== 'Sub') return undefined;
  const one = weightOf(graph, node.inputs[0]);
  if (one?.data.length !== 1 || one.data[0] !== 1) return undefined;
  node = graph.nodes.get(node.inputs[1]!);
  while (node && reshapes.has(node.op)) node = graph.nodes.get(node.inputs[0]!);
  if (node?.op !== 'Cast') return undefined;
  const [mask] = node.inputs as [string];
  const input = graph.inputs.find(({ name }) => name === mask);
  return input?.dtype === 'int32' && input.shape.length === 2 ? mask : undefined;
}

const reshapes: ReadonlySet<string> = new Set(['ExpandDims', 'Reshape']);

/**
 * logits ─► Reshape(b, windows, heads, t, t) ─► AddV2 ─► Reshape(b · windows, heads, t, t)
 *                           mask [windows, 1, t, t] ─┘
 *
 * or, where all items have one mask [t, t], an AddV2 alone.
 */
function withoutWindows(graph: Graph, value: string): MaskedLogits | undefined {
  const end = graph.nodes.get(value);
  const joined = end?.op === 'Reshape';
  const sum = joined ? graph.nodes.get(end.inputs[0]!) : end;
  const operand = sum?.op === 'AddV2' ? constantOperand(graph, sum) : undefined;
  if (!sum || !operand) return undefined;
  const mask = windowMask(operand.weight.shape, operand.weight.data);
  if (!mask) return undefined;
  if (!joined) return mask.count === 1 ? { logits: operand.value, windows: mask, nodes: [sum.name] } : undefined;

  const split = graph.nodes.get(operand.value);
  if (split?.op !== 'Reshape' || !onlyFeeds(graph, split.name, sum) || !onlyFeeds(graph, sum.name, end))
    return undefined;
  const [apart, together] = [split, end].map(({ inputs }) => [...(graph.weights.get(inputs[1]!)?.data ?? [])]);
  const { count, tokens } = mask;
  const heads = apart![2];
  if (String(apart!.slice(1)) !== String([count, heads, tokens, tokens])) return undefined;
  if (String(together!.slice(1)) !== String([heads, tokens, tokens])) return undefined;
  return { logits: split.inputs[0]!, windows: mask, nodes: [end.name, sum.name, split.name] };
}

/** A constant of zeros and very negative numbers, [t, t] or [windows, 1, t, t], as a mask. */
function windowMask(shape: readonly number[], data: ArrayLike<number>): WindowMask | undefined {
  const sizes = shape.slice(shape.findIndex((size) => size !== 1));
  const [count, one, queries, keys] = sizes.length === 2 ? [1, 1, ...sizes] : sizes;
  if (one !== 1 || queries !== keys || (sizes.length !== 2 && sizes.length !== 4)) return undefined;
  const visible = Uint8Array.from(data, (value) => Number(value === 0));
  let least = Infinity;
  for (let i = 0; i < visible.length; i++) if (visible[i] === 0) least = Math.min(least, -data[i]!);
  return least >= APART && visible.includes(0) ? { count: count!, tokens: keys!, visible, least } : undefined;
}
