import { annotatedValue } from './annotations.ts';
import type { Graph, Node } from './graph.ts';

const ofTheirFirstInput: ReadonlySet<string> = new Set([
  ...['Reshape', 'ExpandDims', 'Squeeze', 'Slice', 'Transpose', 'Patches', 'Pad'],
]);

/**
 * The values that a node only moves, so that codes pass through it unchanged; undefined for any other node. The zeros that
 * Pad brings in are code 0, which means 0 where the zero point is 0.
 */
export function movedBy({ op, inputs }: Node): readonly string[] | undefined {
  if (op === 'ConcatV2') return inputs.slice(0, -1);
  return ofTheirFirstInput.has(op) ? inputs.slice(0, 1) : undefined;
}

/** Where a value comes from, seen through movements and annotations. */
export interface Origin {
  readonly source: string;
  /** Whether zeros came in on the way. */
  readonly padded: boolean;
}

const cache = new WeakMap<Graph, ReadonlyMap<string, Origin>>();

/** The value that was moved to here. What a ConcatV2 joins of several values begins there. */
export function originOf(graph: Graph, value: string): Origin {
  let origins = cache.get(graph);
  if (!origins) cache.set(graph, (origins = findOrigins(graph)));
  return origins.get(value) ?? { source: value, padded: false };
}

/** The value whose numbers this one has, moved, cut or padded. */
export const sourceOf = (graph: Graph, value: string): string => originOf(graph, value).source;

function findOrigins(graph: Graph): ReadonlyMap<string, Origin> {
  const origins = new Map<string, Origin>();
  const of = (value: string): Origin => origins.get(value) ?? { source: value, padded: false };
  for (const node of graph.nodes.values()) {
    const annotates = annotatedValue(graph, node.name) !== node.name;
    const moved = annotates ? node.inputs.slice(0, 1) : movedBy(node);
    if (!moved || moved.length === 0) continue;
    const [first, ...others] = moved.map(of) as [Origin, ...Origin[]];
    if (others.some(({ source }) => source !== first.source)) continue;
    const padded = node.op === 'Pad' || first.padded || others.some((other) => other.padded);
    origins.set(node.name, { source: first.source, padded });
  }
  return origins;
}
