import { fakeQuantizeOf, maskedData, readQuantizer } from '../annotations.ts';
import type { Graph, Node } from '../graph.ts';
import { weightOf } from '../match.ts';
import { encode } from '../quantizer.ts';
import { packRows } from '../runtime/bits.ts';
import { constant, type Lowered } from './rule.ts';

/**
 * quantized table ─► GatherV2 ─► floats                                     becomes     CqEmbedding
 *             ids ─┘
 *
 * The rows stay codes; only those that are looked up become floats.
 */
export function embedding(graph: Graph, node: Node): Lowered | undefined {
  const [table, ids, axis] = node.inputs as [string, string, string];
  const weight = node.op === 'GatherV2' ? weightOf(graph, table) : undefined;
  const fake = weight && fakeQuantizeOf(graph, weight.name);
  if (!fake || weight.shape.length !== 2 || graph.weights.get(axis)?.data[0] !== 0) return undefined;
  const quantizer = readQuantizer(graph, fake);
  if (quantizer.kind !== 'uniform' || quantizer.bits > 8 || !quantizer.signed || quantizer.axis !== 0) return undefined;
  if (quantizer.zeroPoint.some((zero) => zero !== 0)) return undefined;
  const [rows, channels] = weight.shape as [number, number];
  const { bits, scale, group = channels } = quantizer;
  if (rows * channels === 0) return undefined;
  const packed = packRows(encode(maskedData(graph, weight), weight.shape, quantizer), channels, bits);
  const stored = constant('table', packed, [rows, packed.length / rows]);
  return {
    op: 'CqEmbedding',
    inputs: [{ float: ids }, stored, constant('scale', scale)],
    attrs: { bits, channels, group },
    swallows: [],
  };
}
