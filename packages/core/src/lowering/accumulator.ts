import { annotatedValue } from '../annotations.ts';
import type { Graph, Node, Weight } from '../graph.ts';
import { onlyFeeds } from '../match.ts';
import { roundHalfEven } from '../runtime/arithmetic.ts';
import { layoutOf, storedBits, toPanels } from '../runtime/panel.ts';
import {
  codesAt,
  codeScale,
  constant,
  isUnmatched,
  unmatched,
  weightCodes,
  type CodeScale,
  type Unmatched,
  type WeightCodes,
} from './rule.ts';

/** A matrix product with its bias, as an integer accumulator: MatMul ─► BiasAdd, or MatMul alone. */
export interface Accumulator {
  /** The value behind the left operand. */
  readonly x: string;
  readonly input: CodeScale;
  readonly weight: WeightCodes;
  readonly bias: Float32Array | undefined;
  /** The nodes it is made of. */
  readonly nodes: readonly string[];
}

/** The accumulator whose value `value` is, or why it is none; undefined if no matrix product stands there. */
export function accumulatorAt(graph: Graph, value: string): Accumulator | Unmatched | undefined {
  const end = graph.nodes.get(value);
  const biased = end?.op === 'BiasAdd';
  const matMul = biased ? graph.nodes.get(end.inputs[0]!) : end;
  if (matMul?.op !== 'MatMul') return undefined;
  if (biased && !onlyFeeds(graph, matMul.name, end)) return unmatched('its product is read before the bias is added');
  if (matMul.attrs['transpose_a'] === true) return unmatched('its left operand is transposed');
  const [x, w] = matMul.inputs as [string, string];
  const weight = weightCodes(graph, w, matMul.attrs['transpose_b'] === true);
  if (isUnmatched(weight)) return weight;
  const input = codeScale(codesAt(graph, x));
  if (!input) return unmatched('its input has no quantizer');
  if (input.bits > 8) return unmatched(`its input has ${input.bits}-bit codes, integer products take 8`);
  const bias = biased ? biasOf(graph, end) : undefined;
  if (biased && !bias) return unmatched('its bias is not a constant');
  return { x, input, weight, bias, nodes: biased ? [matMul.name, end.name] : [matMul.name] };
}

function biasOf(graph: Graph, { inputs }: Node): Float32Array | undefined {
  const weight = graph.weights.get(annotatedValue(graph, inputs[1]!));
  return weight?.data instanceof Float32Array ? weight.data : undefined;
}

/**
 * Constants w, bias and multiplier of an integer product whose output has scale `target`:
 *
 *     multiplier[n] = s_x · s_w[n] / target
 *     bias[n]       = round(b[n] / (s_x · s_w[n])) − z_x · Σ_k w[n, k]
 */
export function productConstants({ input, weight, bias }: Accumulator, target: number): Weight[] {
  const { codes, inputs, outputs, scales } = weight;
  const biases = new Int32Array(outputs);
  const multipliers = new Float32Array(outputs);
  for (let n = 0; n < outputs; n++) {
    const unit = input.scale * scales[n]!;
    let sum = 0;
    for (let k = n * inputs; k < (n + 1) * inputs; k++) sum += codes[k]!;
    biases[n] = roundHalfEven((bias?.[n] ?? 0) / unit) - input.zeroPoint * sum;
    multipliers[n] = unit / target;
  }
  return [
    constant('weight', toPanels(codes, outputs, inputs, storedBits(weight.bits))),
    constant('bias', biases),
    constant('multiplier', multipliers),
  ];
}

/** Attributes that every op with a panelled weight has. */
export const weightAttrs = ({ weight, input }: Accumulator): Record<string, number | string> => ({
  outputs: weight.outputs,
  inputs: weight.inputs,
  weightBits: storedBits(weight.bits),
  layout: layoutOf(storedBits(weight.bits)),
  inputScale: input.scale,
  inputZeroPoint: input.zeroPoint,
});
