import { readQuantizer } from '../annotations.ts';
import { numberAttr, type Graph, type Node } from '../graph.ts';
import { constantOperand, onlyFeeds } from '../match.ts';
import { accumulatorAt, productConstants, weightAttrs } from './accumulator.ts';
import { codeScale, constant, isUnmatched, unmatched, type Rule } from './rule.ts';

/**
 * quantized x ─► Patches ─► MatMul ─► BiasAdd ─► Pad ─► AddV2 (positions) ─► quantize       becomes     CqPatchEmbed
 *
 * The rows that Pad puts in front hold nothing but their positions: class and distillation tokens.
 */
export const patchEmbed: Rule = (graph, quantize) => {
  const sum = graph.nodes.get(quantize.inputs[0]!);
  const operand = sum?.op === 'AddV2' ? constantOperand(graph, sum) : undefined;
  if (!sum || !operand) return undefined;
  const pad = graph.nodes.get(operand.value);
  const prefix = pad?.op === 'Pad' ? rowsInFront(graph, pad) : 0;
  const embedded = pad?.op === 'Pad' ? pad.inputs[0]! : operand.value;
  const product = accumulatorAt(graph, embedded);
  if (!product) return undefined;
  if (isUnmatched(product)) return product;
  const patches = graph.nodes.get(product.x);
  const output = codeScale(readQuantizer(graph, quantize));
  if (patches?.op !== 'Patches')
    return unmatched('a constant is added to a linear layer, which no integer kernel does');
  if (prefix === undefined) return unmatched('its padding is not rows in front');
  if (!output) return unmatched('its output has a scale per channel');
  if (!onlyFeeds(graph, operand.value, sum) || (pad?.op === 'Pad' && !onlyFeeds(graph, embedded, pad))) {
    return unmatched('its embedding is read by other nodes too');
  }
  const rows = prefix + numberAttr(patches, 'rows') * numberAttr(patches, 'columns');
  const positions = operand.weight.data as Float32Array;
  if (positions.length !== rows * product.weight.outputs) return unmatched('its positions are not one row per token');
  return {
    op: 'CqPatchEmbed',
    inputs: [
      patches.inputs[0]!,
      ...productConstants(product, output.scale),
      constant(
        'tokens',
        positions.map((position) => position / output.scale),
        [rows, product.weight.outputs],
      ),
    ],
    attrs: {
      ...weightAttrs(product),
      bits: output.bits,
      zeroPoint: output.zeroPoint,
      patch: numberAttr(patches, 'size'),
      columns: numberAttr(patches, 'columns'),
      rows: numberAttr(patches, 'rows'),
      prefix,
      outputScale: output.scale,
    },
    swallows: [...product.nodes, patches.name, sum.name, ...(pad?.op === 'Pad' ? [pad.name] : [])],
  };
};

/** p of the paddings [[0, 0], [p, 0], [0, 0]]. */
function rowsInFront(graph: Graph, { inputs }: Node): number | undefined {
  const paddings = [...(graph.weights.get(inputs[1]!)?.data ?? [])];
  return paddings.length === 6 && paddings.every((size, i) => i === 2 || size === 0) ? paddings[2] : undefined;
}
