import type { Graph } from '../graph.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { UNKNOWN } from './sizes.ts';

const spreading: ReadonlySet<string> = new Set(['AddV2', 'Sub', 'Mul']);

/**
 * Copies that an operation would make anyway:
 *
 *     x [b, t, c] ─► AddV2 ◄── Tile(b, 1, 1) ◄── ExpandDims 0 ◄── y [t, c]     becomes     x ─► AddV2 ◄── y
 */
export const broadcast = everywhere((node, graph) => {
  if (!spreading.has(node.op)) return undefined;
  const [a, b] = node.inputs as [string, string];
  const inputs = [narrow(graph, a, b), narrow(graph, b, a)];
  return inputs[0] === a && inputs[1] === b ? undefined : { nodes: [{ ...node, inputs }], inside: [] };
});

/** What a value repeats, if it does so only where the other operand has sizes of its own. */
function narrow(graph: Graph, value: string, other: string): string {
  const shapes = shapesOf(graph);
  const node = graph.nodes.get(value);
  const [from, to, beside] = [shapes.of(node?.inputs[0]), shapes.of(value), shapes.of(other)];
  if (!node || !from || !to || !beside || to.length > beside.length || from.length > to.length) return value;
  if (!repeating.has(node.op)) return value;
  const front = to.length - from.length;
  const spreads = to.every((size, axis) => {
    const source = from[axis - front] ?? 1;
    const given = beside[beside.length - to.length + axis];
    return source === size ? size !== UNKNOWN : source === 1 && size === given && size !== UNKNOWN;
  });
  return spreads ? narrow(graph, node.inputs[0]!, other) : value;
}

/** A Reshape is one if it adds sizes of 1 in front. */
const repeating: ReadonlySet<string> = new Set(['Tile', 'BroadcastTo', 'ExpandDims', 'Reshape']);
