import {
  capture,
  inputsInTurn,
  subgraph,
  type Captured,
  type Dataset,
  type Graph,
  type PassContext,
  type Passed,
  type Region,
} from '@cq/core';
import { EXPECTED } from './block-error.ts';
import { regionOf } from './region-of.ts';
import type { Target } from './targets.ts';

/** The part of a graph by whose output folds are judged, with what it reads and gives in float on some data. */
export interface Judge extends Passed {
  /** Named `EXPECTED`. */
  readonly outputs: Captured;
}

/** Examples that run together. */
export const BATCH = 8;

export interface Judges {
  /** Targets that come in network order find what they need at hand. The judge before is gone. */
  of(target: Target): Promise<Judge | undefined>;
  dispose(): Promise<void>;
}

/** @param data What the judges judge on. */
export async function judgesInTurn(
  graph: Graph,
  targets: readonly Target[],
  data: Dataset,
  { signal }: PassContext,
): Promise<Judges> {
  const options = { batchSize: BATCH, signal };
  const regions = new Map(
    targets.map((target): [string, Region | undefined] => [target.value, regionOf(graph, target)]),
  );
  let current: Judge | undefined;

  const replace = async (next?: Judge): Promise<void> => {
    const last = current;
    current = next;
    await last?.inputs.dispose();
    await last?.outputs.dispose();
  };
  return {
    async of({ value }) {
      const region = regions.get(value);
      if (!region || (current?.region.input === region.input && current.region.output === region.output)) {
        return region && current;
      }
      const passed = await inputsInTurn(graph, region, data, current, options);
      const { inputs } = passed;
      const model = subgraph(graph, region, inputs.inputs);
      const expected = await capture(model, { [EXPECTED]: region.output }, inputs, options);
      await replace({ ...passed, outputs: expected });
      return current;
    },
    dispose: () => replace(),
  };
}
