import { changeWeight, edit, numberAttr, onlyFeeds, quantizerOf, weightOf, type Graph, type Node } from '@cq/core';
import { floorLog2 } from './scales.ts';

/**
 * Makes the factor on queries times keys a power of two, so that logits need no multiplier: the queries' weight and bias take
 * the rest. 1 / √depth is one already for 4, 16, 64 channels per head.
 *
 *     q = x · W + b,  factor        becomes       q = x · (W r) + b r,  factor / r
 */
export function foldFactor(graph: Graph, logits: Node): { readonly graph: Graph } | { readonly reason: string } {
  const factor = numberAttr(logits, 'factor');
  const power = 2 ** floorLog2(factor);
  if (factor === power) return { graph };
  const biased = graph.nodes.get(logits.inputs[0]!);
  const product = biased?.op === 'BiasAdd' ? graph.nodes.get(biased.inputs[0]!) : biased;
  const chain = [product, biased, logits].filter(
    (node, i, all) => node !== undefined && all.indexOf(node) === i,
  ) as Node[];
  const own = chain.every((node, i) => i + 1 === chain.length || onlyFeeds(graph, node.name, chain[i + 1]!));
  const weights = chain.slice(0, -1).map(({ inputs }) => weightOf(graph, inputs[1]));
  if (product?.op !== 'MatMul' || !own || weights.some((weight) => !weight || quantizerOf(graph, weight.name))) {
    return { reason: `its factor ${factor} is no power of two, and its queries cannot take the rest` };
  }
  const rest = factor / power;
  for (const node of chain.slice(0, -1)) {
    graph = changeWeight(graph, node, 1, ({ data }) => Float32Array.from(data, (w) => w * rest));
  }
  return { graph: edit(graph, { nodes: [{ ...logits, attrs: { ...logits.attrs, factor: power } }] }) };
}
