import { maskOf } from './annotations.ts';
import type { Graph, Node, Weight } from './graph.ts';
import { weightOf } from './match.ts';

/** The weight of a linear layer with its inputs first, and its mask. */
export interface Matrix {
  readonly name: string;
  readonly shape: readonly [inputs: number, outputs: number];
  readonly data: Float32Array;
  readonly mask?: Float32Array;
}

/** Whether a product's weight is stored [outputs, inputs]. */
export const liesByOutput = ({ attrs }: Node): boolean => attrs['transpose_b'] === true;

/** The weight that a matrix product multiplies by: there is one, and it is float32. */
export function matrixOf(graph: Graph, product: Node): Matrix {
  const { name, shape, data } = weightOf(graph, product.inputs[1])!;
  const mask = maskOf(graph, name);
  const keep = mask && (graph.weights.get(mask.inputs[1]!)!.data as Float32Array);
  const inputsFirst = (values: Float32Array): Float32Array =>
    liesByOutput(product) ? transposed(values, shape) : values;
  const [inputs, outputs] = (liesByOutput(product) ? [...shape].reverse() : shape) as [number, number];
  return {
    name,
    shape: [inputs, outputs],
    data: inputsFirst(data as Float32Array),
    ...(keep && { mask: inputsFirst(keep) }),
  };
}

/**
 * The weight of a product with other data, as the product stores it.
 * @param data [inputs, outputs]
 */
export function withMatrix(graph: Graph, product: Node, data: Float32Array): Weight {
  const weight = weightOf(graph, product.inputs[1])!;
  return { ...weight, data: liesByOutput(product) ? transposed(data, [...weight.shape].reverse()) : data };
}

/** [rows, columns] → [columns, rows] */
function transposed(values: Float32Array, [rows, columns]: readonly number[]): Float32Array {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows!; r++) {
    for (let c = 0; c < columns!; c++) result[c * rows! + r] = values[r * columns! + c]!;
  }
  return result;
}
