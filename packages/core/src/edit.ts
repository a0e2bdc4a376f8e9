import {
  consumersOf,
  isOutput,
  makeGraph,
  producerOf,
  type Graph,
  type Node,
  type Output,
  type Weight,
} from './graph.ts';

/** Nodes and weights to put in place of those of the same name, or beside them, and names to take away. */
export interface Changes {
  readonly nodes?: Iterable<Node>;
  readonly weights?: Iterable<Weight>;
  readonly remove?: Iterable<string>;
  readonly outputs?: readonly Output[];
}

/** A new graph with the changes made; all else is shared with the old one. */
export function edit(graph: Graph, changes: Changes): Graph {
  const nodes = new Map(graph.nodes);
  const weights = new Map(graph.weights);
  for (const name of changes.remove ?? []) {
    nodes.delete(name);
    weights.delete(name);
  }
  for (const node of changes.nodes ?? []) nodes.set(node.name, node);
  for (const weight of changes.weights ?? []) weights.set(weight.name, weight);
  return makeGraph({
    ...graph,
    nodes: nodes.values(),
    weights: weights.values(),
    outputs: changes.outputs ?? graph.outputs,
  });
}

/** Consumers of `from`, outputs included, read `to` instead; those named in `except` do not. */
export function redirect(graph: Graph, from: string, to: string, except: readonly string[] = []): Changes {
  const nodes = consumersOf(graph, from)
    .filter(({ name }) => !except.includes(name))
    .map((node) => ({ ...node, inputs: node.inputs.map((input) => (input === from ? to : input)) }));
  const outputs = graph.outputs.map((output) => (output.value === from ? { ...output, value: to } : output));
  return { nodes, outputs };
}

/** The graph without nodes and weights that no output needs; the same graph if all are needed. */
export function removeDead(graph: Graph): Graph {
  const needed = new Set<string>();
  const stack = graph.outputs.map(({ value }) => producerOf(value));
  while (stack.length > 0) {
    const name = stack.pop()!;
    if (needed.has(name)) continue;
    needed.add(name);
    for (const input of graph.nodes.get(name)?.inputs ?? []) stack.push(producerOf(input));
  }
  const nodes = [...graph.nodes.values()].filter(({ name }) => needed.has(name));
  const weights = [...graph.weights.values()].filter(({ name }) => needed.has(name));
  if (nodes.length === graph.nodes.size && weights.length === graph.weights.size) return graph;
  return makeGraph({ ...graph, nodes, weights });
}

/** `name` itself if nothing in the graph has it, else with the first free number behind it. */
export function freeName(graph: Graph, name: string): string {
  const taken = (candidate: string): boolean =>
    graph.nodes.has(candidate) ||
    graph.weights.has(candidate) ||
    graph.inputs.some((input) => input.name === candidate);
  if (!taken(name)) return name;
  for (let i = 1; ; i++) if (!taken(`${name}_${i}`)) return `${name}_${i}`;
}

/** Whether exactly one node reads the value and no output shows it. */
export function hasOneConsumer(graph: Graph, name: string): boolean {
  return consumersOf(graph, name).length === 1 && !isOutput(graph, name);
}
