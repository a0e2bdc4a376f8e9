import { hasOneConsumer, removeDead } from '../edit.ts';
import { consumersOf, makeGraph, type Graph, type Node } from '../graph.ts';
import { shapesOf } from './shapes.ts';
import { sameWherePossible } from './sizes.ts';

/**
 * Nodes that hand on what they are given:
 *
 *     x ─► Identity ─► y      becomes     x ─► y
 *     x ─► Transpose 0 1 2 ─► y
 *     x ─► Reshape to the shape of x ─► y
 *     x ─► Slice of all ─► y
 *     x ─► Cast from int64 to int32, which TensorFlow.js keeps alike ─► y
 *
 * Outputs keep their public names and show x.
 */
export function identity(graph: Graph): Graph {
  const sources = new Map<string, string>();
  for (const node of graph.nodes.values()) {
    const [input] = node.inputs;
    if (input === undefined || !handsOn(node, graph)) continue;
    const source = sources.get(input) ?? input;
    if (!isBranch(graph, node.name, source)) sources.set(node.name, source);
  }
  if (sources.size === 0) return graph;
  const follow = (value: string): string => sources.get(value) ?? value;
  const nodes = [...graph.nodes.values()]
    .filter(({ name }) => !sources.has(name))
    .map((node) =>
      node.inputs.some((input) => sources.has(input)) ? { ...node, inputs: node.inputs.map(follow) } : node,
    );
  const outputs = graph.outputs.map((output) => ({ ...output, value: follow(output.value) }));
  return removeDead(makeGraph({ ...graph, nodes, weights: graph.weights.values(), outputs }));
}

const passing: ReadonlySet<string> = new Set([
  'Identity',
  'StopGradient',
  'PreventGradient',
  'CheckNumerics',
  'Snapshot',
  'ReadVariableOp',
  'EnsureShape',
]);

function handsOn(node: Node, graph: Graph): boolean {
  if (passing.has(node.op)) return true;
  const shapes = shapesOf(graph);
  const [x, argument] = [shapes.of(node.inputs[0]), shapes.integers(node.inputs[1])];
  if (node.op === 'Transpose') return argument !== undefined && argument.every((axis, i) => axis === i);
  if (node.op === 'Cast') return keepsIntegers(node);
  if (node.op === 'Slice') return argument?.every((at) => at === 0) === true && takesAll(graph, node);
  const y = shapes.of(node.name);
  return node.op === 'Reshape' && x !== undefined && y !== undefined && sameWherePossible(x, y);
}

const takesAll = (graph: Graph, { inputs }: Node): boolean =>
  graph.weights.get(inputs[2]!)?.data.every((size) => size === -1) === true;

const integerTypes: ReadonlySet<unknown> = new Set(['DT_INT32', 'DT_INT64']);

const keepsIntegers = ({ attrs }: Node): boolean =>
  [attrs['SrcT'], attrs['DstT']].every((type) => integerTypes.has((type as { type?: unknown } | undefined)?.type));

/** An annotated value beside one that others read as it is, or that is annotated too: the two must not become one. */
function isBranch(graph: Graph, name: string, source: string): boolean {
  return isAnnotated(graph, name) && (isAnnotated(graph, source) || !hasOneConsumer(graph, source));
}

function isAnnotated(graph: Graph, value: string): boolean {
  return consumersOf(graph, value).some(({ op, inputs }) => op.startsWith('Cq') && inputs[0] === value);
}
