import { shapesOf } from '../canonicalize/shapes.ts';
import { readQuantizer } from '../annotations.ts';
import { constantOperand } from '../match.ts';
import { codesAt, codeScale, constant, unmatched, type Rule } from './rule.ts';

/**
 * quantized x ─► AddV2 ─► quantize                                          becomes     CqAdd
 *       constant ─┘
 *
 * The constant has one value for each place of an item of the batch, or for each of its last axes: positions, which one
 * layer after another may add to the stream.
 */
export const addition: Rule = (graph, quantize) => {
  const sum = graph.nodes.get(quantize.inputs[0]!);
  const operand = sum?.op === 'AddV2' ? constantOperand(graph, sum) : undefined;
  if (!sum || !operand) return undefined;
  const input = codeScale(codesAt(graph, operand.value));
  const output = codeScale(readQuantizer(graph, quantize));
  if (!input) return unmatched('what is added to a constant has no quantizer');
  if (!output) return unmatched('its output has a scale per channel');
  const { data, shape } = operand.weight;
  const sizes = shape.slice(shape.findIndex((size) => size !== 1));
  const ends = shapesOf(graph).of(operand.value)?.slice(-sizes.length);
  if (!(data instanceof Float32Array) || String(ends) !== String(sizes)) {
    return unmatched('its constant is not as large as the last axes of what it is added to');
  }
  return {
    op: 'CqAdd',
    inputs: [
      operand.value,
      constant(
        'addend',
        data.map((value) => value / output.scale),
        sizes,
      ),
    ],
    attrs: {
      inputScale: input.scale,
      inputZeroPoint: input.zeroPoint,
      multiplier: input.scale / output.scale,
      bits: output.bits,
      zeroPoint: output.zeroPoint,
      outputScale: output.scale,
    },
    swallows: [sum.name],
  };
};
