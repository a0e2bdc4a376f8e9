import { readQuantizer } from '../annotations.ts';
import { numberAttr } from '../graph.ts';
import { weightOf } from '../match.ts';
import { LAYER_NORM_CHANNELS } from '../runtime/layer-norm.ts';
import { codesAt, codeScale, constant, unmatched, type Rule } from './rule.ts';
import { shiftLayerNorm } from './shift-layer-norm.ts';

/**
 * quantized x ─► LayerNorm ─► quantize                                      becomes     CqLayerNorm
 */
export const layerNorm: Rule = (graph, quantize) => {
  const node = graph.nodes.get(quantize.inputs[0]!);
  if (node?.op !== 'LayerNorm') return undefined;
  const [x, gamma, beta] = node.inputs as [string, string, string];
  const [codes, quantizer] = [codesAt(graph, x), readQuantizer(graph, quantize)];
  const [gains, offsets] = [weightOf(graph, gamma)?.data, weightOf(graph, beta)?.data];
  if (!codes) return unmatched('its input has no quantizer');
  if (!(gains instanceof Float32Array) || !(offsets instanceof Float32Array))
    return unmatched('its gain or bias is not a constant');
  if (gains.length > LAYER_NORM_CHANNELS) return unmatched(`it has more than ${LAYER_NORM_CHANNELS} channels`);
  const epsilon = Math.fround(numberAttr(node, 'epsilon')); // As exporters that keep it in a constant have it.
  const shifts = shiftLayerNorm(x, codes, quantizer, { gamma: gains, beta: offsets, epsilon }, [node.name]);
  if (shifts) return shifts;
  const [input, output] = [codeScale(codes), codeScale(quantizer)];
  if (!input) return unmatched('its input has a scale per channel');
  if (!output) return unmatched('its output has a scale per channel');
  return {
    op: 'CqLayerNorm',
    inputs: [
      x,
      constant(
        'gamma',
        gains.map((gain) => gain / output.scale),
      ),
      constant(
        'beta',
        offsets.map((offset) => offset / output.scale),
      ),
    ],
    attrs: {
      epsilon,
      inputScale: input.scale,
      bits: output.bits,
      zeroPoint: output.zeroPoint,
      outputScale: output.scale,
    },
    swallows: [node.name],
  };
};
