import { annotatedValue, fakeQuantizeOf, maskedData, readQuantizer } from '../annotations.ts';
import { consumersOf, type Graph, type Node } from '../graph.ts';
import { onlyFeeds, weightOf } from '../match.ts';
import { encode, type UniformQuantizer } from '../quantizer.ts';
import { layoutOf, storedBits, toPanels } from '../runtime/panel.ts';
import { constant, type Lowered } from './rule.ts';

/**
 * x ─► MatMul ─► BiasAdd                                                    becomes     CqFloatLinear
 *  quantized w ─┘
 *
 * and, where x is quantized row by row,                                                 CqDynamicLinear
 *
 * Both take floats and give floats. Seen at the last node of the chain.
 */
export function floatLinear(graph: Graph, node: Node): Lowered | undefined {
  const biased = node.op === 'BiasAdd';
  const product = biased ? graph.nodes.get(node.inputs[0]!) : node;
  if (product?.op !== 'MatMul' || product.attrs['transpose_a'] === true) return undefined;
  if (biased ? !onlyFeeds(graph, product.name, node) : readByBias(graph, product)) return undefined;
  const bias = biased ? weightOf(graph, node.inputs[1]) : undefined;
  if (biased && (!(bias?.data instanceof Float32Array) || fakeQuantizeOf(graph, bias.name))) return undefined;
  const [x, w] = product.inputs as [string, string];
  const weight = groupedWeight(graph, w, product.attrs['transpose_b'] === true);
  if (!weight) return undefined;

  const { codes, inputs, outputs, bits, group, scales } = weight;
  const stored = storedBits(bits);
  const panels = constant('weight', toPanels(codes, outputs, inputs, stored));
  const biases = constant('bias', (bias?.data as Float32Array | undefined) ?? new Float32Array(outputs));
  const attrs = { outputs, inputs, weightBits: stored, layout: layoutOf(stored) };
  const rows = graph.nodes.get(x);
  const dynamic = rows?.op === 'CqFakeQuantize' ? readQuantizer(graph, rows) : undefined;
  if (dynamic?.kind === 'dynamic' && group === inputs) {
    const operands = [{ float: branched(graph, rows!.inputs[0]!) }, panels, constant('scale', scales), biases];
    return { op: 'CqDynamicLinear', inputs: operands, attrs: { ...attrs, bits: dynamic.bits }, swallows: [] };
  }
  const operands = [{ float: x }, panels, constant('scale', scales, [outputs, scales.length / outputs]), biases];
  return { op: 'CqFloatLinear', inputs: operands, attrs: { ...attrs, group }, swallows: [] };
}

/** What a branch of the value with a quantizer of its own hands on. */
function branched(graph: Graph, value: string): string {
  const node = graph.nodes.get(value);
  return node?.op === 'Identity' ? node.inputs[0]! : value;
}

/** Whether a BiasAdd with a constant follows, where the chain will be seen again. */
function readByBias(graph: Graph, product: Node): boolean {
  const [reader] = consumersOf(graph, product.name);
  return reader?.op === 'BiasAdd' && onlyFeeds(graph, product.name, reader);
}

interface GroupedWeight {
  /** [outputs, inputs] */
  readonly codes: Int8Array;
  readonly inputs: number;
  readonly outputs: number;
  readonly bits: number;
  /** Inputs that share a scale; all of them where the quantizer has no groups. */
  readonly group: number;
  /** [outputs, groups] */
  readonly scales: Float32Array;
}

/** The codes of a weight with symmetric signed codes of at most 8 bits; undefined for any other. */
function groupedWeight(graph: Graph, value: string, transposed: boolean): GroupedWeight | undefined {
  const weight = graph.weights.get(annotatedValue(graph, value));
  const fake = weight && fakeQuantizeOf(graph, weight.name);
  if (!fake || weight.shape.length !== 2) return undefined;
  const quantizer = readQuantizer(graph, fake);
  if (!isSymmetric(quantizer) || (quantizer.axis ?? perOutput(transposed)) !== perOutput(transposed)) return undefined;
  const [outputs, inputs] = (transposed ? weight.shape : [...weight.shape].reverse()) as [number, number];
  const encoded = encode(maskedData(graph, weight), weight.shape, quantizer);
  const codes = new Int8Array(encoded.length);
  for (let n = 0, at = 0; n < outputs; n++) {
    for (let k = 0; k < inputs; k++) codes[at++] = encoded[transposed ? n * inputs + k : k * outputs + n]!;
  }
  const { bits, scale, axis, group = inputs } = quantizer;
  const scales = axis === undefined ? new Float32Array(outputs).fill(scale[0]!) : scale;
  return { codes, inputs, outputs, bits, group, scales };
}

const perOutput = (transposed: boolean): number => (transposed ? 0 : 1);

function isSymmetric(quantizer: ReturnType<typeof readQuantizer>): quantizer is UniformQuantizer {
  return (
    quantizer.kind === 'uniform' &&
    quantizer.bits <= 8 &&
    quantizer.signed &&
    quantizer.zeroPoint.every((zero) => zero === 0)
  );
}
