import type { Node } from '../graph.ts';
import { weightOf } from '../match.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { sameWherePossible } from './sizes.ts';

/** Ops that treat every row alike, whatever the rank, and read nothing else that depends on the input. */
const rowWise: ReadonlySet<string> = new Set([
  ...['MatMul', 'BiasAdd', 'LayerNorm', 'Gelu', 'Softmax'],
  ...['Relu', 'Relu6', 'Elu', 'LeakyRelu', 'Tanh', 'Sigmoid', 'Erf'],
]);

/**
 * Dense layers of converters that only multiply matrices. The rank comes back; the last Reshape goes if it only undid
 * the first, and stays if it splits heads or the like.
 *
 *     x [b, t, k] ─► Reshape(-1, k) ─► MatMul ─► BiasAdd ─► Reshape(-1, t, n)     becomes     x ─► MatMul ─► BiasAdd
 */
export const flattenedRows = everywhere((last, graph) => {
  if (last.op !== 'Reshape') return undefined;
  const chain: Node[] = [];
  let node = graph.nodes.get(last.inputs[0]!);
  while (node && rowWise.has(node.op) && node.inputs.slice(1).every((input) => weightOf(graph, input))) {
    chain.unshift(node);
    node = graph.nodes.get(node.inputs[0]!);
  }
  if (!chain[0] || node?.op !== 'Reshape') return undefined;
  const shapes = shapesOf(graph);
  const [x, rows, columns] = [node.inputs[0]!, shapes.of(node.name), shapes.of(last.inputs[0])?.at(-1)];
  const [before, after] = [shapes.of(x), shapes.of(last.name)];
  if (!before || before.length < 3 || rows?.length !== 2 || rows[1]! < 0 || rows[1] !== before.at(-1)) return undefined;
  const unflattened = [...before.slice(0, -1), columns ?? -1];
  const undone = after !== undefined && sameWherePossible(unflattened, after);
  const end = chain.at(-1)!.name;
  const nodes = chain.map((step, i) => ({
    ...step,
    name: undone && step.name === end ? last.name : step.name,
    inputs: [i === 0 ? x : step.inputs[0]!, ...step.inputs.slice(1)],
  }));
  // The first Reshape is not inside: queries, keys and values may share it, and it dies with its last reader.
  return { nodes: undone ? nodes : [...nodes, last], inside: chain.map(({ name }) => name) };
});
