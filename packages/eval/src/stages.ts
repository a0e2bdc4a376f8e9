import { blocks, fakeQuantizeOf, region, subgraph, type Graph, type Input } from '@cq/core';

/** From where a part of a model runs to its end: its beginning, or the input of a block. */
export interface Stage {
  /** Absent: the beginning. */
  readonly input?: string;
  /** What the rest of the model reads besides, such as an attention mask. */
  readonly others: readonly string[];
}

/** The beginning and every block, in network order. */
export function stagesOf(graph: Graph): readonly Stage[] {
  const output = graph.outputs[0]!.value;
  return [
    { others: [] },
    ...blocks(graph).map(({ input }) => ({ input, others: region(graph, input, output).others })),
  ];
}

/** The last stage that computes a value and its quantizer. */
export function placeOf(graph: Graph, stages: readonly Stage[], value: string): number {
  const node = fakeQuantizeOf(graph, value)!.name;
  const output = graph.outputs[0]!.value;
  const computes = ({ input }: Stage): boolean =>
    input === undefined || region(graph, input, output).nodes.includes(node);
  return stages.reduce((last, stage, index) => (computes(stage) ? index : last), 0);
}

/**
 * The rest of a model from a stage on, as a model of its own.
 * @param inputs types and shapes of what the stage reads, as `capture` gives them
 */
export function suffix(graph: Graph, { input }: Stage, inputs: readonly Input[]): Graph {
  return input === undefined ? graph : subgraph(graph, region(graph, input, graph.outputs[0]!.value), inputs);
}
