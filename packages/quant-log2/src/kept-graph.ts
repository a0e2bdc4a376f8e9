import { makeGraph, readSnapshot, writeSnapshot, type Graph, type Node, type Store, type Weight } from '@cq/core';

/** What is kept of a graph besides the arrays. */
interface State<Details> {
  readonly nodes: readonly Node[];
  readonly weights: readonly Omit<Weight, 'data'>[];
  readonly details: Details;
}

/** Keeps a graph as it differs from another: its nodes, and the weights that the other does not have. */
export function keepGraph<Details>(
  store: Store,
  key: string,
  graph: Graph,
  begun: Graph,
  details: Details,
): Promise<void> {
  const own = [...graph.weights.values()].filter(({ name, data }) => begun.weights.get(name)?.data !== data);
  const state: State<Details> = {
    nodes: [...graph.nodes.values()],
    weights: [...graph.weights.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    details,
  };
  return writeSnapshot(store, key, { state, arrays: Object.fromEntries(own.map(({ name, data }) => [name, data])) });
}

/** The graph again, if it was kept. */
export async function keptGraph<Details>(
  store: Store,
  key: string,
  begun: Graph,
): Promise<{ readonly graph: Graph; readonly details: Details } | undefined> {
  const kept = await readSnapshot<State<Details>>(store, key);
  if (!kept) return undefined;
  const { nodes, weights, details } = kept.state;
  const whole = weights.map((weight): Weight => ({
    ...weight,
    data: (kept.arrays[weight.name] ?? begun.weights.get(weight.name)!.data) as Weight['data'],
  }));
  return { graph: makeGraph({ ...begun, nodes, weights: whole }), details };
}
