import { fakeQuantizeOf, readQuantizer } from '../annotations.ts';
import { numberAttr, type Graph, type Node } from '../graph.ts';
import { onlyFeeds } from '../match.ts';
import { codesAt, codeScale, constant, unmatched, type Rule } from './rule.ts';

/**
 * quantized q ─► AttentionLogits ─► quantize ─► Softmax ─► quantize ─► AttentionContext ─► quantize     becomes     CqAttention
 * quantized k ─┘                                                          quantized v ─┘
 */
export const attention: Rule = (graph, quantize) => {
  const context = graph.nodes.get(quantize.inputs[0]!);
  if (context?.op !== 'AttentionContext') return undefined;
  const probabilities = quantized(graph, context.inputs[0]!, 'Softmax', context);
  if (typeof probabilities === 'string') return unmatched(probabilities);
  const logits = quantized(graph, probabilities.node.inputs[0]!, 'AttentionLogits', probabilities.node);
  if (typeof logits === 'string') return unmatched(logits);
  const [q, k, v] = [...logits.node.inputs, context.inputs[1]!] as [string, string, string];
  const [query, key, value] = [q, k, v].map((operand) => codeScale(codesAt(graph, operand)));
  const output = codeScale(readQuantizer(graph, quantize));
  if (!query || !key || !value) return unmatched('its queries, keys or values have no quantizer');
  if ([query, key, value].some(({ bits, zeroPoint }) => bits > 8 || zeroPoint !== 0)) {
    return unmatched('its queries, keys or values are not symmetric 8-bit codes');
  }
  if (!output) return unmatched('its output has a scale per channel');
  const logit = codeScale(logits.quantizer);
  const { quantizer: probability } = probabilities;
  if (!logit || logit.bits > 8) return unmatched('its logits have no 8-bit quantizer');
  if (probability.signed || probability.bits > 8 || probability.zeroPoint[0] !== 0) {
    return unmatched('its probabilities have no unsigned 8-bit codes');
  }
  const tokens = numberAttr(logits.node, 'tokens');
  const factor = numberAttr(logits.node, 'factor');
  const probabilityScale = probability.scale[0]!;
  return {
    op: 'CqAttention',
    inputs: [
      q,
      k,
      v,
      constant('exponentials', exponentials(logit.scale, tokens)),
      constant(
        'levels',
        Int32Array.from({ length: 2 ** probability.bits }, (_, code) => code),
      ),
    ],
    attrs: {
      heads: numberAttr(context, 'heads'),
      depth: numberAttr(context, 'depth'),
      tokens,
      logitMultiplier: (query.scale * key.scale * factor) / logit.scale,
      logitBits: logit.bits,
      logitZeroPoint: logit.zeroPoint,
      probabilityKind: probability.kind,
      probabilityBits: probability.bits,
      probabilityScale,
      outputMultiplier: (probabilityScale * value.scale) / output.scale,
      bits: output.bits,
      zeroPoint: output.zeroPoint,
      queryScale: query.scale,
      keyScale: key.scale,
      valueScale: value.scale,
      logitScale: logit.scale,
      outputScale: output.scale,
      factor,
    },
    swallows: [logits.node.name, logits.name, probabilities.node.name, probabilities.name, context.name],
  };
};

/** The quantized value of an op that only `reader` reads, or what is missing. */
function quantized(graph: Graph, value: string, op: string, reader: Node) {
  const fake = fakeQuantizeOf(graph, value);
  const node = graph.nodes.get(fake?.inputs[0] ?? value);
  if (node?.op !== op) return `its operand is a ${node?.op ?? 'constant'}, not a ${op}`;
  if (!fake) return `its ${op} has no quantizer`;
  if (!onlyFeeds(graph, fake.name, reader)) return `its ${op} is read by other nodes too`;
  return { node, name: fake.name, quantizer: readQuantizer(graph, fake) };
}

/** exp of minus d logit steps, d = 0…255, scaled so that a row of `tokens` sums to less than 2^31. */
export function exponentials(scale: number, tokens: number): Int32Array {
  const top = Math.min(2 ** 24, Math.floor((2 ** 31 - 1) / tokens));
  return Int32Array.from({ length: 256 }, (_, d) => Math.round(top * Math.exp(-d * scale)));
}
