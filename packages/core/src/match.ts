import { annotatedValue } from './annotations.ts';
import { consumersOf, isOutput, type Graph, type Node, type Weight } from './graph.ts';

/** The node behind a value, annotations stripped: `Gelu ─► FakeQuantize ─► here` finds the Gelu. */
export function producer(graph: Graph, value: string): Node | undefined {
  return graph.nodes.get(annotatedValue(graph, value));
}

/** The weight behind a value, annotations stripped. */
export function weightOf(graph: Graph, value: string | undefined): Weight | undefined {
  return value === undefined ? undefined : graph.weights.get(annotatedValue(graph, value));
}

/** The node's inputs split into the constant one and the other: for commutative ops with either order. */
export function constantOperand(graph: Graph, node: Node): { value: string; weight: Weight } | undefined {
  const [a, b] = node.inputs;
  if (a === undefined || b === undefined) return undefined;
  const [first, second] = [weightOf(graph, a), weightOf(graph, b)];
  if (second && !first) return { value: a, weight: second };
  return first && !second ? { value: b, weight: first } : undefined;
}

/** Whether the value is read only by `node`, so that a rewrite may swallow it. */
export function onlyFeeds(graph: Graph, value: string, node: Node): boolean {
  const readers = consumersOf(graph, value);
  return readers.length === 1 && readers[0]!.name === node.name && !isOutput(graph, value);
}

/** What the node averages, if it is the mean over the tokens of [batch, tokens, channels]. */
export function tokenMean(graph: Graph, { op, inputs }: Node): string | undefined {
  const axes = op === 'Mean' ? graph.weights.get(inputs[1] ?? '')?.data : undefined;
  return axes?.length === 1 && axes[0] === 1 ? inputs[0] : undefined;
}

/** The float table [rows, columns] that a Slice takes the first rows of, and the value that says how many. */
export function firstRowsOf(graph: Graph, { op, inputs }: Node): { table: Weight; size: string } | undefined {
  const [x, begin, size] = inputs;
  const table = op === 'Slice' ? weightOf(graph, x) : undefined;
  if (table?.shape.length !== 2 || table.dtype !== 'float32' || size === undefined) return undefined;
  const fromStart = graph.weights.get(begin!)?.data.every((at) => at === 0) === true;
  const listed = graph.nodes.get(size);
  const columns = listed?.op === 'Pack' ? listed.inputs.at(-1)! : undefined;
  const sizes = graph.weights.get(size)?.data;
  const last = columns === undefined ? sizes?.at(-1) : graph.weights.get(columns)?.data[0];
  const some = fromStart && sizes?.[0] !== -1 && (last === -1 || last === table.shape[1]);
  return some ? { table, size } : undefined;
}
