import { annotatedValue, readQuantizer, type Graph, type Node } from '@cq/core';

/** How one value is quantized. Lists where it has a scale per channel. */
export interface QuantizedValue {
  readonly name: string;
  /** The node that produces or, for a weight, reads the codes. */
  readonly op: string;
  readonly bits: number;
  readonly scale: number | readonly number[];
  readonly zeroPoint: number | readonly number[];
}

/** Every quantizer of a model in network order, whether it is still an annotation or lowered to integers. */
export function quantizedValues(graph: Graph): QuantizedValue[] {
  return [...graph.nodes.values()].flatMap((node) => {
    if (node.op === 'CqFakeQuantize') return [annotation(graph, node)];
    return [weightOf(graph, node), outputOf(graph, node)].filter((value) => value !== undefined);
  });
}

function annotation(graph: Graph, node: Node): QuantizedValue {
  const { bits, scale, zeroPoint } = readQuantizer(graph, node);
  const name = annotatedValue(graph, node.name);
  return { name, op: node.op, bits, scale: single(scale), zeroPoint: single(zeroPoint) };
}

/** The codes that a lowered node gives; sums, 32 bits wide, have no quantizer. */
function outputOf(graph: Graph, { name, op, inputs, attrs }: Node): QuantizedValue | undefined {
  const { bits, zeroPoint } = attrs;
  if (!op.startsWith('Cq') || typeof bits !== 'number' || typeof zeroPoint !== 'number' || bits === 32)
    return undefined;
  const scale = op === 'CqDequantize' ? graph.weights.get(inputs[1]!)?.data : (attrs['outputScale'] ?? attrs['scale']);
  if (typeof scale === 'number') return { name, op, bits, scale, zeroPoint };
  return scale instanceof Float32Array ? { name, op, bits, scale: single(scale), zeroPoint } : undefined;
}

/** multiplier[n] = input scale · weight scale[n] / scale that the sums are requantized to */
function weightOf(graph: Graph, { op, inputs, attrs }: Node): QuantizedValue | undefined {
  const { weightBits: bits, inputScale, outputScale, tableScale, tableBits } = attrs;
  const multiplier = graph.weights.get(inputs[3] ?? '')?.data;
  const target = typeof tableBits === 'number' && tableBits > 0 ? tableScale : outputScale;
  if (typeof bits !== 'number' || typeof inputScale !== 'number' || typeof target !== 'number') return undefined;
  if (!(multiplier instanceof Float32Array)) return undefined;
  const scale = single(multiplier.map((value) => (value * target) / inputScale));
  return { name: inputs[1]!, op, bits, scale, zeroPoint: 0 };
}

function single(values: Float32Array | Int32Array): number | readonly number[] {
  return values.length === 1 ? values[0]! : [...values];
}
