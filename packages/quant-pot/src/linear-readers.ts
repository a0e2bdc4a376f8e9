import { maskedData, originOf, weightOf, type Graph } from '@cq/core';
import type { WeightProblem } from './weight-scales.ts';

/** A product with a weight, but for what it reads. */
export interface LinearLayer extends Omit<WeightProblem, 'input'> {
  readonly product: string;
  /** The value that the product reads. */
  readonly source: string;
}

/** The linear layers that read a value, through movements or not. */
export function linearReaders(graph: Graph, value: string): readonly LinearLayer[] {
  return [...graph.nodes.keys()].flatMap((name) => {
    const layer = linearLayer(graph, name);
    return layer && originOf(graph, layer.source).source === value ? [layer] : [];
  });
}

export function linearLayer(graph: Graph, product: string): LinearLayer | undefined {
  const { op, inputs, attrs } = graph.nodes.get(product)!;
  const weight = op === 'MatMul' ? weightOf(graph, inputs[1]) : undefined;
  if (weight?.shape.length !== 2 || !(weight.data instanceof Float32Array)) return undefined;
  const { name, shape } = weight;
  const axis = attrs['transpose_b'] === true ? 0 : 1;
  const data = maskedData(graph, weight);
  return { product, source: inputs[0]!, name, data, shape: shape as readonly [number, number], axis };
}
