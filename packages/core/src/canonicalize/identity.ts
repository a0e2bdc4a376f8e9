import { removeDead } from '../edit.ts';
import { consumersOf, makeGraph, type Graph, type Node } from '../graph.ts';
import { sameWherePossible, shapesOf } from './shapes.ts';

/**
 * Nodes that hand on what they are given:
 *
 *     x ─► Identity ─► y      becomes     x ─► y
 *     x ─► Transpose 0 1 2 ─► y
 *     x ─► Reshape to the shape of x ─► y
 *
 * Outputs keep their public names and show x.
 */
export function identity(graph: Graph): Graph {
  const sources = new Map<string, string>();
  for (const node of graph.nodes.values()) {
    const [input] = node.inputs;
    if (input === undefined || !handsOn(node, graph)) continue;
    const source = sources.get(input) ?? input;
    if (!(isAnnotated(graph, node.name) && isAnnotated(graph, source))) sources.set(node.name, source);
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
  const y = shapes.of(node.name);
  return node.op === 'Reshape' && x !== undefined && y !== undefined && sameWherePossible(x, y);
}

/** At most one mask and one quantizer stand on a value: two annotated values must not become one. */
function isAnnotated(graph: Graph, value: string): boolean {
  return consumersOf(graph, value).some(({ op, inputs }) => op.startsWith('Cq') && inputs[0] === value);
}
