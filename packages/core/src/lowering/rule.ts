import { annotatedValue, fakeQuantizeOf, maskedData, readQuantizer } from '../annotations.ts';
import type { Graph, Node, Weight } from '../graph.ts';
import { encode, type Quantizer } from '../quantizer.ts';
import { keepsChannels } from '../fold-scale.ts';
import { movedBy } from '../movements.ts';
import type { Attrs } from '../runtime/op.ts';

/** The integer node that takes the place of a chain that ends in a quantized activation. */
export interface Lowered {
  readonly op: string;
  /**
   * In the op's order: the name of an annotated value whose codes are read, a value that is read as it is, or a constant
   * made for this node.
   */
  readonly inputs: readonly (string | { readonly float: string } | Weight)[];
  readonly attrs: Attrs;
  /** Nodes of the chain that are not needed any more. */
  readonly swallows: readonly string[];
}

/**
 * A rule looks at the chain that ends in `quantize`, a CqFakeQuantize on an activation. It gives the integer node, or
 * the reason why there is none; undefined if the chain is none of its business.
 */
export type Rule = (graph: Graph, quantize: Node) => Lowered | Unmatched | undefined;

export interface Unmatched {
  readonly reason: string;
}

export const unmatched = (reason: string): Unmatched => ({ reason });

/**
 * The quantizer of the codes that a value carries, through movements; undefined if it is float. What a ConcatV2 joins must
 * have one scale, and what is padded zero as code 0.
 */
export function codesAt(graph: Graph, value: string | undefined): Quantizer | undefined {
  const node = value === undefined ? undefined : graph.nodes.get(value);
  if (!node || graph.weights.has(annotatedValue(graph, node.name))) return undefined;
  if (node.op === 'CqFakeQuantize') return readQuantizer(graph, node);
  const [first, ...others] = (movedBy(node) ?? []).map((part) => codesAt(graph, part));
  const scale = codeScale(first);
  const channels = first && first.kind !== 'dynamic' ? first.scale.length : 1;
  if (channels > 1 && !keepsChannels(graph, node, channels)) return undefined;
  if (node.op === 'Pad' && scale?.zeroPoint !== 0) return undefined;
  return others.every((other) => sameScale(scale, codeScale(other))) ? first : undefined;
}

/** A per-tensor quantizer in the form in which kernels store codes: two's complement. */
export interface CodeScale {
  readonly bits: number;
  readonly scale: number;
  readonly zeroPoint: number;
}

export const sameScale = (a: CodeScale | undefined, b: CodeScale | undefined): boolean =>
  a !== undefined && b !== undefined && a.bits === b.bits && a.scale === b.scale && a.zeroPoint === b.zeroPoint;

/** undefined for quantizers that are not uniform or have several scales, which activations of integer kernels cannot have. */
export function codeScale(quantizer: Quantizer | undefined): CodeScale | undefined {
  if (quantizer?.kind !== 'uniform' || quantizer.scale.length !== 1) return undefined;
  const { bits, signed, scale, zeroPoint } = quantizer;
  return { bits, scale: scale[0]!, zeroPoint: zeroPoint[0]! - (signed ? 0 : 2 ** (bits - 1)) };
}

/** What stored codes mean: by one scale, or by one for each channel of the last axis, without a zero point. */
export type Codes = CodeScale | (Omit<CodeScale, 'scale'> & { readonly scale: Float32Array });

export function codesBehind(quantizer: Quantizer): Codes | undefined {
  const one = codeScale(quantizer);
  if (one || quantizer.kind !== 'uniform' || !quantizer.signed) return one;
  return { bits: quantizer.bits, scale: quantizer.scale, zeroPoint: 0 };
}

/** The codes of a quantized weight `[inputs, outputs]` as `[outputs, inputs]`, with one scale per output. */
export interface WeightCodes {
  readonly codes: Int8Array;
  readonly inputs: number;
  readonly outputs: number;
  readonly bits: number;
  readonly scales: Float32Array;
}

/**
 * The codes of the right operand of a matrix product, or why it has none that an integer kernel could take.
 * @param transposed Whether the weight lies as [outputs, inputs].
 */
export function weightCodes(graph: Graph, value: string, transposed: boolean): WeightCodes | Unmatched {
  const weight = graph.weights.get(annotatedValue(graph, value));
  if (!weight) return unmatched('its right operand is not a weight');
  const node = fakeQuantizeOf(graph, weight.name);
  if (!node) return unmatched('its weight has no quantizer');
  const quantizer = readQuantizer(graph, node);
  if (quantizer.kind !== 'uniform' || quantizer.bits > 8 || !quantizer.signed)
    return unmatched('its weight has no signed codes of at most 8 bits');
  if (quantizer.zeroPoint.some((zero) => zero !== 0)) return unmatched('its weight has a zero point');
  const perOutput = transposed ? 0 : 1;
  if (weight.shape.length !== 2 || (quantizer.axis ?? perOutput) !== perOutput || quantizer.group) {
    return unmatched('its weight has no scale per output');
  }
  const [outputs, inputs] = (transposed ? weight.shape : [...weight.shape].reverse()) as [number, number];
  const codes = new Int8Array(encode(maskedData(graph, weight), weight.shape, quantizer));
  return {
    ...{ inputs, outputs, bits: quantizer.bits, codes: transposed ? codes : transpose(codes, inputs, outputs) },
    scales: quantizer.axis === undefined ? new Float32Array(outputs).fill(quantizer.scale[0]!) : quantizer.scale,
  };
}

/** [rows, columns] → [columns, rows] */
function transpose(codes: Int8Array, rows: number, columns: number): Int8Array {
  const result = new Int8Array(codes.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = codes[at++]!;
  }
  return result;
}

export const isUnmatched = (result: object): result is Unmatched => 'reason' in result;

/** A constant of a lowered node. Its name is made by the driver from the node's. */
export function constant(part: string, data: Weight['data'], shape: readonly number[] = [data.length]): Weight {
  const dtype = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool';
  return { name: part, dtype, shape, data };
}
