import { startMoments, type Moments } from './adam.ts';
import { CqError } from './errors.ts';
import type { Graph } from './graph.ts';

/** A weight to be trained. */
export interface Parameter {
  readonly name: string;
  /** Times the rate of all. */
  readonly rate?: number;
  /** Weight decay in place of that of all. */
  readonly decay?: number;
  /** No value goes below, as a scale must not. */
  readonly least?: number;
}

/** The least mean loss on held-back data, and after how many steps. */
export interface Best {
  readonly step: number;
  readonly loss: number;
}

/** All that a run needs to go on as if it had never stopped: `state` is JSON; arrays are named `<what>/<parameter>`. */
export interface Checkpoint {
  readonly state: {
    readonly seed: number;
    readonly step: number;
    readonly steps: number;
    /** Examples drawn so far. With the seed it says which come next; with the step, which random numbers. */
    readonly drawn: number;
    readonly best?: Best;
  };
  readonly arrays: Readonly<Record<string, Float32Array>>;
}

/** Where a run stands. Changes in place. */
export interface TrainingState {
  step: number;
  drawn: number;
  best: Best | undefined;
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly moments: ReadonlyMap<string, Moments>;
  readonly bestValues: Map<string, Float32Array>;
  /** The examples of the current epoch. */
  order: { readonly epoch: number; readonly indices: readonly number[] } | undefined;
}

/** @throws CqError if a parameter is no float weight, or the checkpoint is of another run. */
export function startTraining(
  graph: Graph,
  parameters: readonly Parameter[],
  seed: number,
  steps: number,
  resume?: Checkpoint,
): TrainingState {
  if (resume && (resume.state.seed !== seed || resume.state.steps !== steps)) {
    throw new CqError(
      `fit: the checkpoint is of seed ${resume.state.seed} and ${resume.state.steps} steps, not of ${seed} and ${steps}`,
    );
  }
  const stored = (what: string, name: string, otherwise: Float32Array): Float32Array => {
    const array = resume ? resume.arrays[`${what}/${name}`] : otherwise;
    if (array?.length !== otherwise.length) throw new CqError(`fit: the checkpoint lacks "${what}/${name}"`);
    return array.slice();
  };
  const entries = parameters.map(({ name }): [string, Float32Array] => {
    const data = graph.weights.get(name)?.data;
    if (!(data instanceof Float32Array)) throw new CqError(`fit: "${name}" is no float32 weight of the graph`);
    return [name, data];
  });
  const moments = entries.map(([name, { length }]): [string, Moments] => {
    const { first, second } = startMoments(length);
    return [name, { first: stored('first', name, first), second: stored('second', name, second) }];
  });
  const { step = 0, drawn = 0, best } = resume?.state ?? {};
  return {
    ...{ step, drawn, best, order: undefined },
    values: new Map(entries.map(([name, data]) => [name, stored('value', name, data)])),
    moments: new Map(moments),
    bestValues: new Map(best ? entries.map(([name, data]) => [name, stored('best', name, data)]) : []),
  };
}

export function checkpointOf(
  { step, drawn, best, values, moments, bestValues }: TrainingState,
  seed: number,
  steps: number,
): Checkpoint {
  const arrays: Record<string, Float32Array> = {};
  for (const [name, data] of values) arrays[`value/${name}`] = data.slice();
  for (const [name, { first, second }] of moments) {
    arrays[`first/${name}`] = first.slice();
    arrays[`second/${name}`] = second.slice();
  }
  for (const [name, data] of bestValues) arrays[`best/${name}`] = data.slice();
  return { state: { seed, step, steps, drawn, ...(best && { best }) }, arrays };
}
