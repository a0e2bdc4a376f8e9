import { annotatedValue, consumersOf, isOutput, weightOf, type Graph, type Node, type Weight } from '@cq/core';

/** x ─► MatMul ─► BiasAdd: a layer whose matrix is a constant. */
export interface Linear {
  readonly product: Node;
  readonly weight: Weight;
  /** The axis of the weight along which its outputs lie; its inputs lie along the other. */
  readonly outputAxis: 0 | 1;
  readonly bias?: Weight;
  /** Its last node. */
  readonly value: string;
}

/** The layer whose output a value is, annotations stripped. */
export function linearAt(graph: Graph, value: string): Linear | undefined {
  const end = graph.nodes.get(annotatedValue(graph, value));
  const bias = end?.op === 'BiasAdd' ? weightOf(graph, end.inputs[1]) : undefined;
  const product = bias ? graph.nodes.get(annotatedValue(graph, end!.inputs[0]!)) : end;
  const linear = product && linearOf(graph, product);
  return linear && { ...linear, ...(bias && { bias }), value: end!.name };
}

/** The layer without its bias that a node is, if it multiplies by a float32 matrix. */
export function linearOf(graph: Graph, product: Node): Linear | undefined {
  const weight = product.op === 'MatMul' ? weightOf(graph, product.inputs[1]) : undefined;
  if (weight?.shape.length !== 2 || weight.dtype !== 'float32' || product.attrs['transpose_a'] === true)
    return undefined;
  return { product, weight, outputAxis: product.attrs['transpose_b'] === true ? 0 : 1, value: product.name };
}

/** The nodes that read a value, through its annotations; undefined if the model shows it to its users. */
export function readersOf(graph: Graph, value: string): readonly Node[] | undefined {
  if (isOutput(graph, value)) return undefined;
  const found: Node[] = [];
  for (const node of consumersOf(graph, value)) {
    const annotates = annotatedValue(graph, node.name) !== node.name && node.inputs[0] === value;
    const readers = annotates ? readersOf(graph, node.name) : [node];
    if (!readers) return undefined;
    found.push(...readers);
  }
  return found;
}

/** Whether nothing but `node` reads a value, through annotations or not. */
export function isOwn(graph: Graph, value: string, node: string): boolean {
  return readersOf(graph, value)?.every(({ name }) => name === node) ?? false;
}
