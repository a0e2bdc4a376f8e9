import { annotatedValue, maskedLogits, producerOf, weightOf, type Graph } from '@cq/core';

/**
 * The weights that training may move: float32, of one axis or more, and on the way to one of the values. Masks and scales are
 * decisions, scalars belong to the arithmetic, and constants added to logits say which tokens may meet: they stay.
 */
export function trainable(graph: Graph, values: readonly string[]): readonly string[] {
  const reached = reachedFrom(graph, values);
  const fixed = new Set<string>();
  for (const node of graph.nodes.values()) {
    if (annotatedValue(graph, node.name) !== node.name) node.inputs.slice(1).forEach((name) => fixed.add(name));
    if (node.op !== 'Softmax') continue;
    for (const name of maskedLogits(graph, node).nodes) {
      for (const input of graph.nodes.get(name)?.inputs ?? []) fixed.add(weightOf(graph, input)?.name ?? input);
    }
  }
  return [...graph.weights.values()]
    .filter(
      ({ name, dtype, shape }) => dtype === 'float32' && shape.length > 0 && reached.has(name) && !fixed.has(name),
    )
    .map(({ name }) => name);
}

function reachedFrom(graph: Graph, values: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const stack = values.map(producerOf);
  while (stack.length > 0) {
    const name = stack.pop()!;
    if (reached.has(name)) continue;
    reached.add(name);
    stack.push(...(graph.nodes.get(name)?.inputs ?? []).map(producerOf));
  }
  return reached;
}
