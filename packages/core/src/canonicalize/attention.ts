import { freeName, hasOneConsumer } from '../edit.ts';
import { consumersOf, numberAttr, type Graph, type Node } from '../graph.ts';
import { scalarOf, TOLERANCE } from './constant.ts';
import { everywhere, type Rewrite } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { UNKNOWN } from './sizes.ts';
import { hasOrder } from './transpose.ts';

/**
 *     q ─► Reshape(b, t, h, d) ─► Transpose 0 2 1 3 ─► BatchMatMulV2 {adj_y} ─► Mul 1/√d
 *     k ─► Reshape(b, t, h, d) ─► Transpose 0 2 1 3 ─┘
 *
 * becomes     q, k ─► AttentionLogits {heads, depth, tokens, factor}
 *
 * The factor may also stand on q or k, and be a division; k may instead be transposed by 0 2 3 1.
 */
export const attentionLogits = everywhere((node, graph) => {
  const scaled = scaling(graph, node);
  const product = scaled ? graph.nodes.get(scaled.value) : node;
  if (product?.op !== 'BatchMatMulV2' || product.attrs['adj_x']) return undefined;
  if (!scaled && hasOneConsumer(graph, node.name)) {
    const [reader] = consumersOf(graph, node.name);
    if (scaling(graph, reader!)) return undefined; // the factor belongs to the group
  }
  const q = heads(graph, product.inputs[0]!, [0, 2, 1, 3]);
  const k = heads(graph, product.inputs[1]!, product.attrs['adj_y'] ? [0, 2, 1, 3] : [0, 2, 3, 1]);
  if (!q || !k || q.tokens !== k.tokens || q.heads !== k.heads || q.depth !== k.depth) return undefined;
  const factor = rounded((scaled?.factor ?? 1) * q.factor * k.factor, q.depth);
  const attrs = { heads: q.heads, depth: q.depth, tokens: Math.max(q.tokens, UNKNOWN), factor };
  return {
    nodes: [{ name: node.name, op: 'AttentionLogits', inputs: [q.source, k.source], attrs }],
    inside: [...q.inside, ...k.inside, ...(scaled ? [product.name] : [])],
  };
});

/** q ─► Mul c ─► AttentionLogits {factor}     becomes     q ─► AttentionLogits {factor · c} */
export const attentionFactor = everywhere((node, graph) => {
  if (node.op !== 'AttentionLogits') return undefined;
  const [q, k] = node.inputs.map((input) => unscaled(graph, input));
  const inside = [...q!.inside, ...k!.inside];
  if (inside.length === 0) return undefined;
  const factor = rounded(numberAttr(node, 'factor') * q!.factor * k!.factor, numberAttr(node, 'depth'));
  return { nodes: [{ ...node, inputs: [q!.value, k!.value], attrs: { ...node.attrs, factor } }], inside };
});

/**
 *     p ───────────────────────────────────────────────► BatchMatMulV2 ─► Transpose 0 2 1 3 ─► Reshape(b, t, h · d)
 *     v ─► Reshape(b, t, h, d) ─► Transpose 0 2 1 3 ─┘
 *
 * becomes     p, v ─► AttentionContext {heads, depth, tokens}
 *
 * If the last Reshape flattens the tokens too, a Reshape stays behind.
 */
export const attentionContext = everywhere((node, graph): Rewrite | undefined => {
  const order = graph.nodes.get(node.inputs[0] ?? '');
  if (node.op !== 'Reshape' || order?.op !== 'Transpose' || !hasOrder(graph, order, [0, 2, 1, 3])) return undefined;
  const product = graph.nodes.get(order.inputs[0]!);
  if (product?.op !== 'BatchMatMulV2' || product.attrs['adj_x'] || product.attrs['adj_y']) return undefined;
  const v = heads(graph, product.inputs[1]!, [0, 2, 1, 3]);
  const merged = shapesOf(graph).of(node.name);
  if (!v || v.factor !== 1 || !merged || merged.at(-1) !== v.heads * v.depth) return undefined;
  const queries = shapesOf(graph).of(product.inputs[0])?.at(-2) ?? v.tokens;
  if (queries !== UNKNOWN && queries !== v.tokens) return undefined;
  const flattened = merged.length === 2;
  if (!flattened && (merged.length !== 3 || merged[1] !== v.tokens)) return undefined;
  const context: Node = {
    name: flattened ? freeName(graph, `${node.name}/context`) : node.name,
    op: 'AttentionContext',
    inputs: [product.inputs[0]!, v.source],
    attrs: { heads: v.heads, depth: v.depth, tokens: Math.max(v.tokens, UNKNOWN) },
  };
  return {
    nodes: flattened ? [context, { ...node, inputs: [context.name, node.inputs[1]!] }] : [context],
    inside: [order.name, product.name, ...v.inside],
  };
});

interface Heads {
  /** [batch, tokens, heads · depth] */
  readonly source: string;
  /** Negative where their number varies. */
  readonly tokens: number;
  readonly heads: number;
  readonly depth: number;
  readonly factor: number;
  readonly inside: readonly string[];
}

/** source ─► Reshape(batch, tokens, heads, depth) ─► Transpose order, scaled anywhere after the Reshape. */
function heads(graph: Graph, value: string, order: readonly number[]): Heads | undefined {
  const outer = unscaled(graph, value);
  const turned = graph.nodes.get(outer.value);
  if (turned?.op !== 'Transpose' || !hasOrder(graph, turned, order)) return undefined;
  const inner = unscaled(graph, turned.inputs[0]!);
  const split = graph.nodes.get(inner.value);
  const shapes = shapesOf(graph);
  const sizes = shapes.of(split?.name);
  if (split?.op !== 'Reshape' || sizes?.length !== 4) return undefined;
  const [, tokens, count, depth] = sizes as [number, number, number, number];
  if (tokens === UNKNOWN || count < 0 || depth < 0) return undefined;
  const whole = shapes.of(split.inputs[0]);
  if (whole ? whole.length !== 3 || whole[1] !== tokens || whole[2] !== count * depth : tokens < 0) return undefined;
  return {
    source: split.inputs[0]!,
    tokens,
    heads: count,
    depth,
    factor: outer.factor * inner.factor,
    inside: [...outer.inside, turned.name, ...inner.inside, split.name],
  };
}

/** What a node multiplies by a number, or divides by one. */
function scaling(graph: Graph, { op, inputs }: Node): { readonly value: string; readonly factor: number } | undefined {
  const [a, b] = inputs as [string, string];
  const [left, right] = [scalarOf(graph, a), scalarOf(graph, b)];
  if (op === 'Mul' && right !== undefined) return { value: a, factor: right };
  if (op === 'Mul' && left !== undefined) return { value: b, factor: left };
  return op === 'RealDiv' && right ? { value: a, factor: 1 / right } : undefined;
}

function unscaled(graph: Graph, value: string): { value: string; factor: number; inside: readonly string[] } {
  const inside: string[] = [];
  let factor = 1;
  for (;;) {
    const node = graph.nodes.get(value);
    const scaled = node && scaling(graph, node);
    if (!scaled) return { value, factor, inside };
    inside.push(value);
    factor *= scaled.factor;
    value = scaled.value;
  }
}

/** A float32; 1/√depth is the same one whether it was multiplied with, divided by, or split between q and k. */
function rounded(factor: number, depth: number): number {
  const usual = 1 / Math.sqrt(depth);
  return Math.fround(Math.abs(factor / usual - 1) <= TOLERANCE ? usual : factor);
}
