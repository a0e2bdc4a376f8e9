import {
  capture,
  region,
  subgraph,
  type Captured,
  type CaptureOptions,
  type Dataset,
  type Graph,
  type Region,
} from '@cq/core';

/** A region of a graph and what it read on some data. */
export interface Passed {
  readonly region: Region;
  readonly inputs: Captured;
}

/**
 * What a region reads while a graph runs over the data. If it begins where another ended whose inputs are at hand, the data
 * run through that one alone, not through the graph from its beginning.
 */
export function inputsInTurn(
  graph: Graph,
  next: Region,
  data: Dataset,
  passed: Passed | undefined,
  options: CaptureOptions,
): Promise<Captured> {
  const values = Object.fromEntries([next.input, ...next.others].map((name) => [name, name]));
  const known = new Set(passed?.inputs.inputs.map(({ name }) => name));
  if (!passed || passed.region.output !== next.input || !next.others.every((other) => known.has(other))) {
    return capture(graph, values, data, options);
  }
  const part = subgraph(graph, region(graph, passed.region.input, passed.region.output), passed.inputs.inputs);
  return capture(part, values, passed.inputs, options);
}
