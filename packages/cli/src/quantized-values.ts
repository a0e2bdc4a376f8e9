import { annotatedValue, readQuantizer, type Graph, type Node } from '@cq/core';
import { loweredOps } from '@cq/core/runtime';

/** How one value is quantized. Lists where it has a scale per channel. */
export interface QuantizedValue {
  readonly name: string;
  /** The node that produces or, for a weight, reads the codes. */
  readonly op: string;
  readonly kind: string;
  readonly bits: number;
  /** Absent where it is found while running. */
  readonly scale?: number | readonly number[];
  /** Of uniform codes. */
  readonly zeroPoint?: number | readonly number[];
}

/** Every quantizer of a model in network order, whether it is still an annotation or lowered to integers. */
export function quantizedValues(graph: Graph): QuantizedValue[] {
  return [...graph.nodes.values()].flatMap((node) => {
    if (node.op === 'CqFakeQuantize') return [annotation(graph, node)];
    const shifts = shiftValues(graph, node);
    if (shifts) return shifts;
    return [weightOf(graph, node), storedOf(graph, node), outputOf(graph, node)].filter((value) => value !== undefined);
  });
}

function annotation(graph: Graph, node: Node): QuantizedValue {
  const quantizer = readQuantizer(graph, node);
  const { kind, bits } = quantizer;
  return {
    ...{ name: annotatedValue(graph, node.name), op: node.op, kind, bits },
    ...(quantizer.kind !== 'dynamic' && { scale: single(quantizer.scale) }),
    ...(quantizer.kind === 'uniform' && { zeroPoint: single(quantizer.zeroPoint) }),
  };
}

/** The codes that a lowered node gives; sums, 32 bits wide, have no quantizer. */
function outputOf(graph: Graph, { name, op, inputs, attrs }: Node): QuantizedValue | undefined {
  const { bits, zeroPoint } = attrs;
  if (!op.startsWith('Cq') || typeof bits !== 'number' || typeof zeroPoint !== 'number' || bits === 32)
    return undefined;
  const scale = op === 'CqDequantize' ? graph.weights.get(inputs[1]!)?.data : (attrs['outputScale'] ?? attrs['scale']);
  const kind = 'uniform';
  if (typeof scale === 'number') return { name, op, kind, bits, scale, zeroPoint };
  return scale instanceof Float32Array ? { name, op, kind, bits, scale: single(scale), zeroPoint } : undefined;
}

/** What a node of a power-of-two model says in exponents: its weight, and the codes it gives. */
function shiftValues(graph: Graph, { name, op, inputs, attrs }: Node): QuantizedValue[] | undefined {
  const operand = (part: string): ArrayLike<number> | undefined =>
    graph.weights.get(inputs[loweredOps.get(op)!.inputs.indexOf(part)] ?? '')?.data;
  const { bits, weightBits, inputExponent, tableBits, tableExponent, exponent } = attrs as Readonly<
    Record<string, number>
  >;
  if (!op.startsWith('CqShift')) return undefined;
  const value = (of: string, width: number, exponents: ArrayLike<number>): QuantizedValue => {
    const scales = Float32Array.from(exponents, (power) => 2 ** power);
    const same = scales.every((scale) => scale === scales[0]);
    const scale = single(same ? scales.subarray(0, 1) : scales);
    return { name: of, op, kind: 'uniform', bits: width, scale, zeroPoint: 0 };
  };
  const units = operand('unit');
  const given = tableBits! > 0 ? [tableExponent!] : (operand('exponent') ?? (exponent === undefined ? [] : [exponent]));
  return [
    ...(units
      ? [
          value(
            inputs[1]!,
            weightBits!,
            Array.from(units, (unit) => unit - inputExponent!),
          ),
        ]
      : []),
    ...(bits !== 32 && given.length > 0 ? [value(name, bits!, given)] : []),
  ];
}

/** multiplier[n] = input scale · weight scale[n] / scale that the sums are requantized to */
function weightOf(graph: Graph, { op, inputs, attrs }: Node): QuantizedValue | undefined {
  const { weightBits: bits, inputScale, outputScale, tableScale, tableBits } = attrs;
  const multiplier = graph.weights.get(inputs[3] ?? '')?.data;
  const target = typeof tableBits === 'number' && tableBits > 0 ? tableScale : outputScale;
  if (typeof bits !== 'number' || typeof inputScale !== 'number' || typeof target !== 'number') return undefined;
  if (!(multiplier instanceof Float32Array)) return undefined;
  const scale = single(multiplier.map((value) => (value * target) / inputScale));
  return { name: inputs[1]!, op, kind: 'uniform', bits, scale, zeroPoint: 0 };
}

/** A weight that stands in front of its scale: `codes`, `table` or `w` by the list of what the op takes. */
function storedOf(graph: Graph, { op, inputs, attrs }: Node): QuantizedValue | undefined {
  const at = loweredOps.get(op)?.inputs.indexOf('scale') ?? -1;
  const [codes, scale] = [graph.weights.get(inputs[at - 1] ?? ''), graph.weights.get(inputs[at] ?? '')?.data];
  const { weightBits, bits = weightBits, kind = 'uniform', zeroPoint = 0 } = attrs;
  if (!codes || !(scale instanceof Float32Array) || typeof bits !== 'number') return undefined;
  const value = { name: codes.name, op, kind: String(kind), bits, scale: single(scale) };
  return kind === 'uniform' && typeof zeroPoint === 'number' ? { ...value, zeroPoint } : value;
}

function single(values: Float32Array | Int32Array): number | readonly number[] {
  return values.length === 1 ? values[0]! : [...values];
}
