import { readQuantizer } from '../annotations.ts';
import { numberAttr, type Graph, type Node } from '../graph.ts';
import { constantOperand, onlyFeeds } from '../match.ts';
import { accumulatorAt, productConstants, weightAttrs } from './accumulator.ts';
import { codeScale, constant, isUnmatched, unmatched, type Rule } from './rule.ts';
import { shiftPatchEmbed } from './shift-patch-embed.ts';

/**
 * quantized x ─► Patches ─► MatMul ─► BiasAdd ─► Pad ─► AddV2 (positions) ─► quantize       becomes     CqPatchEmbed
 *
 * The rows that Pad puts in front and behind hold nothing but their positions: class, distillation and detection tokens.
 */
export const patchEmbed: Rule = (graph, quantize) => {
  const sum = graph.nodes.get(quantize.inputs[0]!);
  const operand = sum?.op === 'AddV2' ? constantOperand(graph, sum) : undefined;
  if (!sum || !operand) return undefined;
  const pad = graph.nodes.get(operand.value);
  const added = pad?.op === 'Pad' ? paddedRows(graph, pad) : { prefix: 0, suffix: 0 };
  const embedded = pad?.op === 'Pad' ? pad.inputs[0]! : operand.value;
  const product = accumulatorAt(graph, embedded);
  if (!product) return undefined;
  if (isUnmatched(product)) return product;
  const patches = graph.nodes.get(product.x);
  const quantizer = readQuantizer(graph, quantize);
  if (patches?.op !== 'Patches') return undefined;
  if (!added) return unmatched('its padding is not rows in front and behind');
  if (!onlyFeeds(graph, operand.value, sum) || (pad?.op === 'Pad' && !onlyFeeds(graph, embedded, pad))) {
    return unmatched('its embedding is read by other nodes too');
  }
  const { prefix, suffix } = added;
  const rows = prefix + numberAttr(patches, 'rows') * numberAttr(patches, 'columns') + suffix;
  const positions = operand.weight.data as Float32Array;
  if (positions.length !== rows * product.weight.outputs) return unmatched('its positions are not one row per token');
  const sizes = {
    patch: numberAttr(patches, 'size'),
    columns: numberAttr(patches, 'columns'),
    rows: numberAttr(patches, 'rows'),
    prefix,
  };
  const swallows = [...product.nodes, patches.name, sum.name, ...(pad?.op === 'Pad' ? [pad.name] : [])];
  const image = patches.inputs[0]!;
  const shifts = shiftPatchEmbed(image, product, positions, quantizer);
  if (shifts) return { ...shifts, attrs: { ...shifts.attrs, ...sizes }, swallows };
  const output = codeScale(quantizer);
  if (!output) return unmatched('its output has a scale per channel');
  return {
    op: 'CqPatchEmbed',
    inputs: [
      image,
      ...productConstants(product, output.scale),
      constant('tokens', inCodes(positions, output.scale), [rows, product.weight.outputs]),
    ],
    attrs: {
      ...weightAttrs(product),
      bits: output.bits,
      zeroPoint: output.zeroPoint,
      ...sizes,
      outputScale: output.scale,
    },
    swallows,
  };
};

/** Positions in units of the output's codes: whole ones where they were made so (`wholePositions`). */
function inCodes(positions: Float32Array, scale: number): Float32Array {
  const units = positions.map((position) => position / scale);
  const whole = units.map((value) => Math.round(value) + 0);
  return whole.every((value, i) => Math.abs(value - units[i]!) <= 2 ** -20 * Math.abs(value)) ? whole : units;
}

/** p and s of the paddings [[0, 0], [p, s], [0, 0]]. */
function paddedRows(graph: Graph, { inputs }: Node): { prefix: number; suffix: number } | undefined {
  const paddings = [...(graph.weights.get(inputs[1]!)?.data ?? [])];
  const [, , prefix, suffix] = paddings as [number, number, number, number];
  const rows = paddings.length === 6 && paddings.every((size, i) => i === 2 || i === 3 || size === 0);
  return rows ? { prefix, suffix } : undefined;
}
