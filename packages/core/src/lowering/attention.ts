import { fakeQuantizeOf, readQuantizer } from '../annotations.ts';
import { numberAttr, type Graph, type Node } from '../graph.ts';
import { onlyFeeds } from '../match.ts';
import { maskedLogits } from '../padding-mask.ts';
import { codesAt, codeScale, constant, unmatched, type Rule } from './rule.ts';

/**
 * quantized q ─► AttentionLogits ─► quantize ─► Softmax ─► quantize ─► AttentionContext ─► quantize     becomes     CqAttention
 * quantized k ─┘                                                          quantized v ─┘
 *
 * A padding mask may be added between the first quantize and the Softmax; the keys that it drops are left out.
 */
export const attention: Rule = (graph, quantize) => {
  const context = graph.nodes.get(quantize.inputs[0]!);
  if (context?.op !== 'AttentionContext') return undefined;
  const probabilities = quantized(graph, context.inputs[0]!, 'Softmax', context);
  if (typeof probabilities === 'string') return unmatched(probabilities);
  const sum = graph.nodes.get(probabilities.node.inputs[0]!);
  const masked = sum && maskedLogits(graph, sum);
  if (masked && !onlyFeeds(graph, sum.name, probabilities.node))
    return unmatched('its masked logits are read by other nodes too');
  const reader = masked ? sum : probabilities.node;
  const logits = quantized(graph, masked?.logits ?? probabilities.node.inputs[0]!, 'AttentionLogits', reader);
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
  const fixed = numberAttr(logits.node, 'tokens');
  const tokens = fixed > 0 ? fixed : MOST_TOKENS;
  const factor = Math.fround(numberAttr(logits.node, 'factor')); // As exporters that keep it in a constant have it.
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
      ...(masked ? [{ float: masked.mask }] : []),
    ],
    attrs: {
      heads: numberAttr(context, 'heads'),
      masked: masked !== undefined,
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
    swallows: [
      ...[logits.node.name, logits.name, probabilities.node.name, probabilities.name, context.name],
      ...(masked ? [sum.name] : []),
    ],
  };
};

/** Tokens that the table of exponentials is made for where the model takes any number of them. */
const MOST_TOKENS = 4096;

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
