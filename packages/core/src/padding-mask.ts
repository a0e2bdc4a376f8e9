import { annotatedValue } from './annotations.ts';
import { constantOperand, weightOf } from './match.ts';
import type { Graph, Node } from './graph.ts';

/** Attention logits with padding masked out. */
export interface MaskedLogits {
  /** The value [batch, heads, queries, keys] before the mask, annotations included. */
  readonly logits: string;
  /** An int32 value [batch, keys]: 0 = padding, 1 = look at it. */
  readonly mask: string;
}

/** The least a mask must subtract so that the exponential of any logit becomes 0. */
const MASKED = -1000;

/**
 * AttentionLogits ──────────────────────────────────────► AddV2
 * mask ─► Cast ─► Sub (1 − ·) ─► Mul (· −10000) ─► ExpandDims, Reshape ─┘
 */
export function maskedLogits(graph: Graph, node: Node): MaskedLogits | undefined {
  if (node.op !== 'AddV2') return undefined;
  for (const [logits, other] of [node.inputs, [...node.inputs].reverse()] as [string, string][]) {
    if (graph.nodes.get(annotatedValue(graph, logits))?.op !== 'AttentionLogits') continue;
    const mask = paddingMask(graph, other);
    if (mask !== undefined) return { logits, mask };
  }
  return undefined;
}

/** The int32 mask behind an additive one. */
function paddingMask(graph: Graph, value: string): string | undefined {
  let node = graph.nodes.get(value);
  while (node && reshapes.has(node.op)) node = graph.nodes.get(node.inputs[0]!);
  const product = node?.op === 'Mul' ? constantOperand(graph, node) : undefined;
  if (product?.weight.data.length !== 1 || !(product.weight.data[0]! <= MASKED)) return undefined;
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
