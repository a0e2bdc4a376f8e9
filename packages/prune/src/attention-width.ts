import { annotatedValue, constantOperand, maskedLogits, numberAttr, producer, type Graph, type Node } from '@cq/core';
import { isOwn, linearAt, type Linear } from './linear.ts';
import { isRefused, placeOf, unevenScales, type Place, type Refused, type Width } from './width.ts';

/**
 * The heads of an attention:
 *
 *     q ─► AttentionLogits ─► AddV2 (masks, a bias per head) ─► Softmax ─► AttentionContext ─► reader
 *     k ─┘                                                            v ─┘
 *
 * @returns the reason where something else could tell the heads apart, or reads them too.
 */
export function attentionWidth(graph: Graph, reader: Linear): Width | Refused {
  const context = producer(graph, reader.product.inputs[0]!);
  if (context?.op !== 'AttentionContext') return { reason: 'it does not read the attention itself' };
  const units = numberAttr(context, 'heads');
  const softmax = producer(graph, context.inputs[0]!);
  if (softmax?.op !== 'Softmax') return { reason: `the probabilities of "${context.name}" are no softmax` };
  const found = logitsBehind(graph, softmax, units);
  if (isRefused(found)) return found;
  const { logits, constants } = found;

  const makers: Place[] = [];
  const read: (readonly [value: string, by: string])[] = [
    [reader.weight.name, reader.product.name],
    [context.name, reader.product.name],
    [softmax.name, context.name],
    ...found.read,
  ];
  for (const [input, by] of [...logits.inputs.map((q) => [q, logits]), [context.inputs[1]!, context]] as [
    string,
    Node,
  ][]) {
    const layer = linearAt(graph, input);
    if (!layer) return { reason: `"${input}" comes from no linear layer` };
    const { product, weight, outputAxis, bias, value } = layer;
    makers.push(placeOf(weight, outputAxis));
    read.push([value, by.name], [weight.name, product.name]);
    if (!bias) continue;
    makers.push(placeOf(bias, bias.shape.length - 1));
    read.push([product.name, value], [bias.name, value]);
  }
  const shared = read.find(([value, by]) => !isOwn(graph, value, by));
  if (shared) return { reason: `"${shared[0]}" has other readers` };
  const values = read.map(([value]) => value).filter((value) => graph.nodes.has(value));
  const uneven = unevenScales(graph, values, units);
  if (uneven !== undefined) return { reason: `"${uneven}" has scales that are not by head` };
  const rows = placeOf(reader.weight, 1 - reader.outputAxis);
  return { units, makers, reader: rows, constants, values, attention: [logits.name, context.name] };
}

interface Logits {
  readonly logits: Node;
  /** Biases with entries for every head. */
  readonly constants: readonly Place[];
  /** Values on the way, and what must be their only reader. */
  readonly read: readonly (readonly [value: string, by: string])[];
}

/** Back from the softmax through all that is added to the logits, as long as it treats heads alike or is a constant. */
function logitsBehind(graph: Graph, softmax: Node, heads: number): Logits | Refused {
  const masked = maskedLogits(graph, softmax);
  if (masked.nodes.some((name) => graph.nodes.get(name)!.op !== 'AddV2'))
    return { reason: `the mask of "${softmax.name}" tells windows apart` };
  const read: [string, string][] = [];
  const constants: Place[] = [];
  let reader = softmax.name;
  for (const name of masked.nodes) {
    read.push([name, reader]);
    reader = name;
  }
  for (let value = masked.logits; ;) {
    const node = producer(graph, value);
    if (!node) return { reason: `the logits of "${softmax.name}" are no attention's` };
    read.push([node.name, reader]);
    if (node.op === 'AttentionLogits') return { logits: node, constants, read };
    const bias = node.op === 'AddV2' ? constantOperand(graph, node) : undefined;
    if (!bias) return { reason: `"${node.name}" (${node.op}) may treat heads differently` };
    if ((bias.weight.shape.at(-3) ?? 1) === heads && heads > 1) {
      constants.push(placeOf(bias.weight, bias.weight.shape.length - 3));
      read.push([bias.weight.name, node.name]);
    }
    reader = node.name;
    value = annotatedValue(graph, bias.value);
  }
}
