import { fakeQuantizeOf, readQuantizer } from '../annotations.ts';
import { numberAttr, type Graph, type Node, type Weight } from '../graph.ts';
import { maskedLogits, type WindowMask } from '../logit-masks.ts';
import { constantOperand, onlyFeeds } from '../match.ts';
import { clamp, roundHalfEven } from '../runtime/arithmetic.ts';
import { biasBound } from '../runtime/attention.ts';
import { probabilityOf } from './probability.ts';
import {
  codesAt,
  codeScale,
  constant,
  isUnmatched,
  unmatched,
  type Lowered,
  type Rule,
  type Unmatched,
} from './rule.ts';
import { shiftAttention } from './shift-attention.ts';

/**
 * quantized q ─► AttentionLogits ─► quantize ─► Softmax ─► quantize ─► AttentionContext ─► quantize     becomes     CqAttention
 * quantized k ─┘                                                          quantized v ─┘
 *
 * Constants may be added between AttentionLogits and the first quantize (position biases), masks between that and the Softmax:
 * the keys that those drop are left out.
 */
export const attention: Rule = (graph, quantize) => {
  const context = graph.nodes.get(quantize.inputs[0]!);
  if (context?.op !== 'AttentionContext') return undefined;
  const probabilities = quantized(graph, context.inputs[0]!, context);
  if (isUnmatched(probabilities)) return probabilities;
  if (probabilities.node.op !== 'Softmax') return unmatched(`its operand is a ${probabilities.node.op}, not a Softmax`);
  const masks = maskedLogits(graph, probabilities.node);
  const reader = graph.nodes.get(masks.nodes.at(-1) ?? '') ?? probabilities.node;
  const logits = quantized(graph, masks.logits, reader);
  if (isUnmatched(logits)) return logits;
  const products = biasedProducts(graph, logits.node);
  if (isUnmatched(products)) return products;
  const [q, k, v] = [...products.node.inputs, context.inputs[1]!] as [string, string, string];
  const [query, key, value] = [q, k, v].map((operand) => codeScale(codesAt(graph, operand)));
  const output = codeScale(readQuantizer(graph, quantize));
  if (!query || !key || !value) return unmatched('its queries, keys or values have no quantizer');
  if ([query, key, value].some(({ bits, zeroPoint }) => bits > 8 || zeroPoint !== 0)) {
    return unmatched('its queries, keys or values are not symmetric 8-bit codes');
  }
  if (!output) return unmatched('its output has a scale per channel');
  const logit = codeScale(logits.quantizer);
  const probability = probabilityOf(probabilities.quantizer);
  if (!logit || logit.bits > 8) return unmatched('its logits have no 8-bit quantizer');
  if (isUnmatched(probability)) return probability;
  const [heads, depth] = [numberAttr(context, 'heads'), numberAttr(context, 'depth')];
  const fixed = numberAttr(products.node, 'tokens');
  const tokens = fixed > 0 ? fixed : MOST_TOKENS;
  const factor = Math.fround(numberAttr(products.node, 'factor')); // As exporters that keep it in a constant have it.
  const unit = query.scale * key.scale * factor;
  const bias = products.constants.length > 0 ? biasIn(unit, products.constants, heads, tokens, depth) : undefined;
  if (bias && isUnmatched(bias)) return bias;
  const { windows } = masks;
  const wrong = windows && wrongMask(windows, tokens, 2 ** logit.bits * logit.scale);
  if (wrong) return unmatched(wrong);
  const { boundaries } = probability;
  const lowered: Lowered = {
    op: 'CqAttention',
    inputs: [
      q,
      k,
      v,
      constant('exponentials', exponentials(logit.scale, tokens)),
      constant('levels', probability.levels),
      ...(bias ? [bias] : []),
      ...(windows ? [constant('visible', windows.visible, [windows.count, tokens, tokens])] : []),
      ...(boundaries ? [constant('boundaries', boundaries)] : []),
      ...(masks.padding !== undefined ? [{ float: masks.padding }] : []),
    ],
    attrs: {
      heads,
      biased: bias !== undefined,
      windows: windows?.count ?? 0,
      masked: masks.padding !== undefined,
      depth,
      tokens,
      logitMultiplier: unit / logit.scale,
      logitBits: logit.bits,
      logitZeroPoint: logit.zeroPoint,
      probabilityKind: probability.kind,
      probabilityBits: probability.bits,
      probabilityScale: probability.scale,
      outputMultiplier: (probability.unit * probability.scale * value.scale) / output.scale,
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
      ...[...products.inside, logits.node.name, logits.name, ...masks.nodes],
      ...[probabilities.node.name, probabilities.name, context.name],
    ],
  };
  return shiftAttention(lowered, { query, key, value, logit, probability, output, factor, bias }) ?? lowered;
};

/** Tokens that the table of exponentials is made for where the model takes any number of them. */
const MOST_TOKENS = 4096;

/** The quantized value that only `reader` reads, or what is missing. */
function quantized(graph: Graph, value: string, reader: Node) {
  const fake = fakeQuantizeOf(graph, value);
  const node = graph.nodes.get(fake?.inputs[0] ?? value);
  if (!node) return unmatched(`its operand is no value of a node`);
  if (!fake) return unmatched(`its ${node.op} has no quantizer`);
  if (!onlyFeeds(graph, fake.name, reader)) return unmatched(`its ${node.op} is read by other nodes too`);
  return { node, name: fake.name, quantizer: readQuantizer(graph, fake) };
}

/** AttentionLogits ─► AddV2 ─► … ─► `end`: what was added, and the nodes before the end. */
function biasedProducts(graph: Graph, end: Node) {
  const constants: Weight[] = [];
  const inside: string[] = [];
  let node = end;
  while (node.op !== 'AttentionLogits') {
    const sum = node.op === 'AddV2' ? constantOperand(graph, node) : undefined;
    const below = graph.nodes.get(sum?.value ?? '');
    if (!sum || !below) return unmatched(`its logits come from a ${node.op}`);
    if (!onlyFeeds(graph, below.name, node)) return unmatched(`its ${below.op} is read by other nodes too`);
    constants.push(sum.weight);
    inside.push(below.name);
    node = below;
  }
  return { node, constants, inside };
}

/**
 * The sum of constants that are added to the logits, in units of the products of codes: [heads, tokens, tokens]. What would
 * leave int32 stops short of it; its logit is the first or the last code either way.
 */
function biasIn(
  unit: number,
  constants: readonly Weight[],
  heads: number,
  tokens: number,
  depth: number,
): Weight | Unmatched {
  const sums = new Float64Array(heads * tokens * tokens);
  for (const { data, shape } of constants) {
    const sizes = [1, 1, 1, ...shape.slice(shape.findIndex((size) => size !== 1))].slice(-3);
    const fits = [heads, tokens, tokens].every((size, axis) => sizes[axis] === size || sizes[axis] === 1);
    if (!fits || data.length !== sizes[0]! * sizes[1]! * sizes[2]!) {
      return unmatched(`its bias must be [${heads}, ${tokens}, ${tokens}], it is [${shape.join(', ')}]`);
    }
    for (let head = 0, at = 0; head < heads; head++) {
      for (let i = 0; i < tokens; i++) {
        const row = ((sizes[0] === 1 ? 0 : head) * sizes[1]! + (sizes[1] === 1 ? 0 : i)) * sizes[2]!;
        for (let j = 0; j < tokens; j++, at++) sums[at] = sums[at]! + data[row + (sizes[2] === 1 ? 0 : j)]!;
      }
    }
  }
  const most = biasBound(depth);
  const codes = Int32Array.from(sums, (value) => clamp(roundHalfEven(value / unit), -most, most));
  return constant('bias', codes, [heads, tokens, tokens]);
}

/** Why leaving keys out is not what the mask does; undefined if it is. `span`: between the first logit code and the last. */
function wrongMask({ visible, tokens, least }: WindowMask, expected: number, span: number): string | undefined {
  if (tokens !== expected) return `its mask must be [${expected}, ${expected}], it is [${tokens}, ${tokens}]`;
  if (least - span < NOTHING)
    return `its mask subtracts ${least}, too little for logits that span ${span.toPrecision(3)}`;
  for (let row = 0; row < visible.length; row += tokens) {
    if (!visible.subarray(row, row + tokens).includes(1)) return 'its mask leaves a query nothing to look at';
  }
  return undefined;
}

/** exp(-30) is 1e-13: among 4096 such keys none shows in float32 beside a 1. */
const NOTHING = 30;

/** exp of minus d logit steps, d = 0…255, scaled so that a row of `tokens` sums to less than 2^31. */
export function exponentials(scale: number, tokens: number): Int32Array {
  const top = Math.min(2 ** 24, Math.floor((2 ** 31 - 1) / tokens));
  return Int32Array.from({ length: 256 }, (_, d) => Math.round(top * Math.exp(-d * scale)));
}
