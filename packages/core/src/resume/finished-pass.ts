import type { Graph, Node, Weight } from '../graph.ts';
import type { PassReport } from '../report.ts';
import { readSnapshot, writeSnapshot } from '../snapshot.ts';
import type { Store } from '../store.ts';

/** What a pass has left behind. */
export interface FinishedPass {
  readonly graph: Graph;
  readonly report: PassReport;
}

interface State {
  readonly report: PassReport;
  /** undefined if the graph stayed as it was. Only weights whose data are new stand among the arrays. */
  readonly graph?: Pick<Graph, 'inputs' | 'outputs' | 'metadata'> & {
    readonly nodes: readonly Node[];
    readonly weights: readonly Omit<Weight, 'data'>[];
  };
}

/** Keeps what the pass made of the graph `before` it: bytes only for weights that it changed. */
export function writeFinished(
  store: Store,
  key: string,
  before: Graph,
  { graph, report }: FinishedPass,
): Promise<void> {
  if (graph === before) return writeSnapshot(store, key, { state: { report } satisfies State, arrays: {} });
  const { nodes, weights, inputs, outputs, metadata } = graph;
  const fresh = [...weights.values()].filter(({ name, data }) => before.weights.get(name)?.data !== data);
  const state: State = {
    report,
    graph: {
      ...{ inputs, outputs, metadata, nodes: [...nodes.values()] },
      weights: [...weights.values()].map(({ data: _, ...rest }) => rest),
    },
  };
  return writeSnapshot(store, key, { state, arrays: Object.fromEntries(fresh.map(({ name, data }) => [name, data])) });
}

/** @param before The graph before the pass, equal to the one that it was written with. */
export async function readFinished(store: Store, key: string, before: Graph): Promise<FinishedPass | undefined> {
  const kept = await readSnapshot<State>(store, key);
  if (!kept) return undefined;
  const { report, graph } = kept.state;
  if (!graph) return { graph: before, report };
  const fresh = new Map(Object.entries(kept.arrays as Readonly<Record<string, Weight['data']>>));
  const weights = graph.weights.map((weight): Weight => {
    const data = fresh.get(weight.name) ?? before.weights.get(weight.name)!.data;
    return { ...weight, data };
  });
  return { graph: { ...graph, nodes: byName(graph.nodes), weights: byName(weights) }, report };
}

const byName = <Named extends { readonly name: string }>(list: readonly Named[]): Map<string, Named> =>
  new Map(list.map((named) => [named.name, named]));
