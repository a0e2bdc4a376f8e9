import { annotatedValue, tipOf } from './annotations.ts';
import { CqError } from './errors.ts';
import { consumersOf, isOutput, makeGraph, producerOf, type Graph, type Input, type Node } from './graph.ts';
import { weightOf } from './match.ts';

/** A part of a graph between two values, annotations included: those on its input are its own, those on its output not. */
export interface Region {
  /** Names without annotations, so that a float graph and an annotated one agree on them. */
  readonly input: string;
  readonly output: string;
  /** What it reads besides, computed elsewhere: an attention mask, a skip connection. */
  readonly others: readonly string[];
  /** In topological order, constant ones among them. */
  readonly nodes: readonly string[];
}

/** A branch and the shortcut around it; for a transformer block, an attention one and the feed-forward one behind it. */
export interface Block extends Region {
  readonly kind: 'attention' | 'feed-forward' | 'transformer';
}

/** The transformer blocks of a canonical graph, in order: half-blocks joined, attention with what follows it. */
export function blocks(graph: Graph): readonly Block[] {
  const found: Block[] = [];
  for (const half of halfBlocks(graph)) {
    const last = found.at(-1);
    if (half.kind === 'feed-forward' && last?.kind === 'attention' && last.output === half.input) {
      found[found.length - 1] = { ...region(graph, last.input, half.output), kind: 'transformer' };
    } else found.push(half);
  }
  return found;
}

/**
 * Every branch with its shortcut, in order, by structure alone: the residual sums are the cut points.
 *
 *     stream ──► LayerNorm ──► branch ──► AddV2 ──►          pre-norm: input = stream, output = AddV2
 *        └───────────────────────────────────┘
 *     stream ──► branch ──► AddV2 ──► LayerNorm ──►          post-norm: input = stream, output = LayerNorm
 *        └─────────────────────┘
 *
 * A sum is residual if one operand depends on the other through a product with a weight. Of nested ones the inner count.
 */
export function halfBlocks(graph: Graph): readonly Block[] {
  const found = new Map<string, Region>();
  for (const node of graph.nodes.values()) {
    if (node.op !== 'AddV2') continue;
    const [a, b] = node.inputs.map((input) => annotatedValue(graph, input)) as [string, string];
    if (a === b || weightOf(graph, a) || weightOf(graph, b)) continue;
    for (const [branch, stream] of [
      [a, b],
      [b, a],
    ] as const) {
      if (!dependents(graph, stream).has(branch)) continue;
      const part = region(graph, stream, outputOf(graph, stream, node));
      if (part.nodes.some((name) => isWeighted(graph, graph.nodes.get(name)!))) found.set(node.name, part);
    }
  }
  const kept = innermost(found);
  return [...found.keys()]
    .filter((sum) => kept.has(sum))
    .map((sum) => {
      const part = found.get(sum)!;
      const attends = part.nodes.some((name) => graph.nodes.get(name)!.op === 'AttentionContext');
      return { ...part, kind: attends ? 'attention' : 'feed-forward' };
    });
}

/**
 * The sums with no other such sum in their region. Small regions come first, since a sum that is none, such as a mask
 * added to the logits of a later block, spans the blocks before it.
 */
function innermost(found: ReadonlyMap<string, Region>): ReadonlySet<string> {
  const kept = new Set<string>();
  for (const [sum, { nodes }] of [...found].sort(([, a], [, b]) => a.nodes.length - b.nodes.length)) {
    if (!nodes.some((name) => kept.has(name))) kept.add(sum);
  }
  return kept;
}

/** All that lies between two values. `others` are as near to the output as can be. */
export function region(graph: Graph, input: string, output: string): Region {
  const inside = dependents(graph, input);
  if (!inside.has(output)) throw new CqError(`blocks: "${output}" does not depend on "${input}"`);
  const varying = new Set(graph.inputs.flatMap(({ name }) => [...dependents(graph, name)]));
  const [nodes, others] = [new Set<string>(), new Set<string>()];
  const stack = [output];
  while (stack.length > 0) {
    const reference = stack.pop()!;
    const name = producerOf(reference);
    if (name === input || nodes.has(name) || graph.weights.has(name)) continue;
    const elsewhere = !inside.has(name) && (varying.has(name) || !graph.nodes.has(name));
    if (elsewhere && name === reference && annotatedValue(graph, name) === name) {
      others.add(name);
      continue;
    }
    const node = graph.nodes.get(name);
    if (!node) throw new CqError(`blocks: "${reference}" is no value that a block could read`);
    nodes.add(name);
    stack.push(...node.inputs);
  }
  return { input, output, others: [...others], nodes: [...graph.nodes.keys()].filter((name) => nodes.has(name)) };
}

/**
 * A region as a model of its own: its input and others are the inputs, its output the output, all under their own names.
 * @param inputs Types and sizes of at least those, as `capture` gives them. The output is taken to have the input's shape.
 */
export function subgraph(graph: Graph, { input, output, others, nodes }: Region, inputs: readonly Input[]): Graph {
  const chosen = [input, ...others].map((name) => {
    const found = inputs.find((candidate) => candidate.name === name);
    if (!found) throw new CqError(`blocks: the shape of "${name}" is not known, which the block reads`);
    return found;
  });
  const members = nodes.map((name) => graph.nodes.get(name)!);
  const read = new Set(members.flatMap((node) => node.inputs.map(producerOf)));
  return makeGraph({
    nodes: members,
    weights: [...graph.weights.values()].filter(({ name }) => read.has(name)),
    inputs: chosen,
    outputs: [{ name: output, value: output, dtype: 'float32', shape: chosen[0]!.shape }],
    metadata: graph.metadata,
  });
}

const dependentCache = new WeakMap<Graph, Map<string, ReadonlySet<string>>>();

/** The nodes that depend on a value. */
function dependents(graph: Graph, value: string): ReadonlySet<string> {
  const known = dependentCache.get(graph) ?? new Map<string, ReadonlySet<string>>();
  dependentCache.set(graph, known);
  const found = known.get(value);
  if (found) return found;
  const set = new Set<string>();
  for (const { name, inputs } of graph.nodes.values()) {
    if (inputs.some((input) => producerOf(input) === value || set.has(producerOf(input)))) set.add(name);
  }
  known.set(value, set);
  return set;
}

/** The sum; or the LayerNorm that alone reads it, in a block that does not begin with one. */
function outputOf(graph: Graph, stream: string, sum: Node): string {
  const readers = consumersOf(graph, tipOf(graph, sum.name));
  const [norm] = readers;
  const beginsWithNorm = consumersOf(graph, tipOf(graph, stream)).some(({ op }) => op === 'LayerNorm');
  const alone = readers.length === 1 && !isOutput(graph, sum.name) && !isOutput(graph, tipOf(graph, sum.name));
  return norm?.op === 'LayerNorm' && alone && !beginsWithNorm ? norm.name : sum.name;
}

const weighted: ReadonlySet<string> = new Set(['MatMul', 'BatchMatMulV2', 'Conv2D', 'DepthwiseConv2dNative']);

const isWeighted = (graph: Graph, { op, inputs }: Node): boolean =>
  weighted.has(op) && weightOf(graph, inputs[1]) !== undefined;
