import type { Graph, Node } from '../graph.ts';
import { scalarOf, TOLERANCE } from './constant.ts';
import { shapesOf } from './shapes.ts';

/** What a pattern has found: values by the names of its holes, and the nodes it went through. */
export interface Match {
  readonly values: ReadonlyMap<string, string>;
  readonly inside: ReadonlySet<string>;
}

/** Every way in which a value fits, given what has been found so far. */
export type Pattern = (graph: Graph, value: string, match: Match) => Iterable<Match>;

/** The first way in which the node fits. */
export function find(graph: Graph, node: Node, pattern: Pattern): Match | undefined {
  for (const match of pattern(graph, node.name, { values: new Map(), inside: new Set() })) {
    const inside = new Set(match.inside);
    inside.delete(node.name);
    return { ...match, inside };
  }
  return undefined;
}

/** Any value; where the hole is met again, the same value. */
export const hole = (name: string): Pattern =>
  function* (_, value, match) {
    const found = match.values.get(name);
    if (found === undefined) yield { ...match, values: new Map(match.values).set(name, value) };
    else if (found === value) yield match;
  };

/** A constant of one float: a certain number, or any. */
export const scalar = (expected?: number): Pattern =>
  function* (graph, value, match) {
    const found = scalarOf(graph, value);
    if (found !== undefined && (expected === undefined || Math.abs(found - expected) <= TOLERANCE)) yield match;
  };

/** Two patterns for one value. */
export const both = (first: Pattern, second: Pattern): Pattern =>
  function* (graph, value, match) {
    for (const found of first(graph, value, match)) yield* second(graph, value, found);
  };

export const oneOf = (...patterns: readonly Pattern[]): Pattern =>
  function* (graph, value, match) {
    for (const pattern of patterns) yield* pattern(graph, value, match);
  };

const commutative: ReadonlySet<string> = new Set(['AddV2', 'Mul', 'SquaredDifference']);

/** A node of this op whose inputs fit, in either order where the order does not matter. */
export const op = (name: string, ...inputs: readonly Pattern[]): Pattern =>
  function* (graph, value, match) {
    const node = graph.nodes.get(value);
    if (node?.op !== name || node.inputs.length !== inputs.length) return;
    const through = { ...match, inside: new Set(match.inside).add(value) };
    yield* all(graph, node.inputs, inputs, through);
    if (commutative.has(name)) yield* all(graph, [...node.inputs].reverse(), inputs, through);
  };

/** A reduction over the last axis that keeps it. */
export const overLastAxis = (name: string, input: Pattern): Pattern =>
  both(
    op(name, input, function* (_, __, match) {
      yield match;
    }),
    function* (graph, value, match) {
      const node = graph.nodes.get(value)!;
      if (node.attrs['keep_dims'] === true && isLastAxis(graph, node)) yield match;
    },
  );

/** -1 always is the last axis; a positive one only if the rank is known. */
function isLastAxis(graph: Graph, { inputs }: Node): boolean {
  const axes = shapesOf(graph).integers(inputs[1]);
  const rank = shapesOf(graph).of(inputs[0])?.length;
  return axes?.length === 1 && (axes[0] === -1 || (rank !== undefined && axes[0] === rank - 1));
}

function* all(graph: Graph, values: readonly string[], patterns: readonly Pattern[], match: Match): Iterable<Match> {
  const [pattern, ...rest] = patterns;
  if (!pattern) yield match;
  else for (const found of pattern(graph, values[0]!, match)) yield* all(graph, values.slice(1), rest, found);
}
