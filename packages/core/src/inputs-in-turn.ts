import { region, subgraph, type Region } from './blocks.ts';
import { capture, type Captured, type CaptureOptions } from './capture.ts';
import type { Dataset } from './dataset.ts';
import type { Graph } from './graph.ts';

/** A region and what it read on some data. */
export interface Passed {
  readonly region: Region;
  readonly inputs: Captured;
}

/**
 * What a region reads while a graph runs over the data. Behind a region whose inputs are at hand, data run through that one
 * alone.
 */
export async function inputsInTurn(
  graph: Graph,
  next: Region,
  data: Dataset,
  passed: Passed | undefined,
  options: CaptureOptions,
): Promise<Passed> {
  const values = Object.fromEntries([next.input, ...next.others].map((name) => [name, name]));
  const known = new Set(passed?.inputs.inputs.map(({ name }) => name));
  const follows = passed?.region.output === next.input && next.others.every((other) => known.has(other));
  const inputs = follows
    ? await capture(partOf(graph, passed), values, passed.inputs, options)
    : await capture(graph, values, data, options);
  return { region: next, inputs };
}

/** The region as it is in a graph, a model of its own. */
export const partOf = (graph: Graph, { region: { input, output }, inputs }: Passed): Graph =>
  subgraph(graph, region(graph, input, output), inputs.inputs);
