import { fakeQuantizeOf, maskedData, readQuantizer } from '../annotations.ts';
import type { Graph, Node } from '../graph.ts';
import { weightOf } from '../match.ts';
import { encode } from '../quantizer.ts';
import { constant, type Lowered } from './rule.ts';

/**
 * quantized table ─► GatherV2 ─► floats                                     becomes     CqEmbedding
 *             ids ─┘
 *
 * The rows stay bytes; only those that are looked up become floats.
 */
export function embedding(graph: Graph, node: Node): Lowered | undefined {
  const [table, ids, axis] = node.inputs as [string, string, string];
  const weight = node.op === 'GatherV2' ? weightOf(graph, table) : undefined;
  const fake = weight && fakeQuantizeOf(graph, weight.name);
  if (!fake || weight.shape.length !== 2 || graph.weights.get(axis)?.data[0] !== 0) return undefined;
  const quantizer = readQuantizer(graph, fake);
  const { bits, signed, zeroPoint, scale } = quantizer;
  if (bits > 8 || !signed || zeroPoint.some((zero) => zero !== 0) || quantizer.axis !== 0) return undefined;
  const codes = new Uint8Array(encode(maskedData(graph, weight), weight.shape, quantizer));
  return {
    op: 'CqEmbedding',
    inputs: [{ float: ids }, constant('table', codes, weight.shape), constant('scale', scale)],
    attrs: { bits },
    swallows: [],
  };
}
