import {
  capture,
  halfBlocks,
  region,
  subgraph,
  type Captured,
  type CaptureOptions,
  type Dataset,
  type Graph,
  type Region,
} from '@cq/core';
import { settledWeights } from './settled-weights.ts';

/** A part of a model, and what it reads. */
export interface Run {
  readonly graph: Graph;
  readonly data: Dataset;
}

/** Parts of a model that passes through in network order, getting quantizers on the way. */
export interface Parts {
  /** Values of one key lie in the same part. */
  keyOf(value: string): number | string;
  /** The part around a value, with the quantizers that `graph` has by now. */
  around(graph: Graph, value: string): Promise<Run>;
  dispose(): Promise<void>;
}

/**
 * A part is a branch with its shortcut; behind the last branch reached, all from there to the output; before the first, the
 * model. Data run through each branch once, as it is when the next one is entered: they are what the quantized prefix gives.
 */
export function partsInTurn(model: Graph, data: Dataset, options: CaptureOptions): Parts {
  const branches = halfBlocks(model);
  const settle = settledWeights();
  const branchOf = (value: string): number => branches.findIndex(({ nodes }) => nodes.includes(value));
  let reached = -1;
  let part: Region | undefined;
  let inputs: Captured | undefined;

  const cut = (graph: Graph, { input, output }: Region, known: Captured): Graph =>
    settle(subgraph(graph, region(graph, input, output), known.inputs));

  async function enter(graph: Graph, next: Region): Promise<void> {
    const names = [next.input, ...next.others];
    const known = (name: string): boolean => inputs!.inputs.some((input) => input.name === name);
    const values = Object.fromEntries(names.map((name) => [name, name]));
    const before = inputs;
    if (before && part!.input === next.input && next.others.every(known)) {
      part = next;
      return;
    }
    const inTurn = before && part!.output === next.input && next.others.every(known);
    inputs = inTurn
      ? await capture(cut(graph, part!, before), values, before, options)
      : await capture(graph, values, data, options);
    part = next;
    await before?.dispose();
  }

  return {
    keyOf(value) {
      const branch = branchOf(value);
      return branch < 0 ? value : branch;
    },
    async around(graph, value) {
      const branch = branchOf(value);
      if (branch < 0 ? reached < 0 : branch < reached) return { graph, data };
      reached = Math.max(reached, branch);
      const next = branch < 0 ? region(model, branches[reached]!.output, model.outputs[0]!.value) : branches[branch]!;
      if (!next.nodes.includes(value)) return { graph, data };
      await enter(graph, next);
      return { graph: cut(graph, next, inputs!), data: inputs! };
    },
    dispose: async () => inputs?.dispose(),
  };
}
