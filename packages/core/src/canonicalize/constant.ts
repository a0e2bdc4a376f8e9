import { freeName } from '../edit.ts';
import type { Graph, Weight } from '../graph.ts';
import { weightOf } from '../match.ts';
import { sizeOf } from '../runtime/op.ts';

/** Constants are compared with this tolerance: exporters round √2, 1/√2 and √(2/π) in their own ways. */
export const TOLERANCE = 1e-6;

/** The number behind a constant of one float. */
export function scalarOf(graph: Graph, value: string | undefined): number | undefined {
  const weight = value === undefined ? undefined : graph.weights.get(value);
  return weight?.dtype === 'float32' && weight.data.length === 1 && weight.shape.length <= 1
    ? weight.data[0]
    : undefined;
}

/** A value of one axis, and the weight to add if it had to be written anew. */
export interface Vector {
  readonly value: string;
  readonly length: number;
  readonly weights: readonly Weight[];
}

/** A constant that stretches along the last axis of a value of `rank`: [n], or [1, .., n] flattened. */
export function vectorOf(graph: Graph, value: string, rank: number | undefined): Vector | undefined {
  const weight = weightOf(graph, value);
  if (!weight || weight.dtype !== 'float32' || weight.shape.length === 0) return undefined;
  const length = weight.shape.at(-1)!;
  if (weight.shape.length === 1) return { value, length, weights: [] };
  if (weight.name !== value || weight.data.length !== length || weight.shape.length > (rank ?? 0)) return undefined;
  const flat = reshaped(graph, weight, [length]);
  return { value: flat.name, length, weights: [flat] };
}

/** A constant of floats that no annotation stands on, so that it may be laid out differently. */
export function plainWeight(graph: Graph, value: string | undefined): Weight | undefined {
  const weight = value === undefined ? undefined : graph.weights.get(value);
  return weight?.dtype === 'float32' ? weight : undefined;
}

export function reshaped(graph: Graph, weight: Weight, shape: readonly number[]): Weight {
  return { ...weight, name: freeName(graph, `${weight.name}/reshaped`), shape };
}

/** The constant with its axes in another order: axis i of the result is axis `order[i]`. */
export function transposed(graph: Graph, weight: Weight, order: readonly number[]): Weight {
  const shape = order.map((axis) => weight.shape[axis]!);
  const strides = order.map((axis) => sizeOf(weight.shape.slice(axis + 1)));
  const data = new Float32Array(weight.data.length);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    data[i] = weight.data[index.reduce((offset, at, axis) => offset + at * strides[axis]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return { ...weight, name: freeName(graph, `${weight.name}/transposed`), shape, data };
}

/** A list of integers as a weight: shapes, axes, orders, paddings. */
export function integersWeight(graph: Graph, name: string, values: readonly number[], shape = [values.length]): Weight {
  return { name: freeName(graph, name), dtype: 'int32', shape, data: Int32Array.from(values) };
}
