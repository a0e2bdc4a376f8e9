import type { Tensor } from '@tensorflow/tfjs-core';
import type { Dataset } from './dataset.ts';
import { CqError } from './errors.ts';
import { executor } from './execute.ts';
import type { Graph } from './graph.ts';
import type { Statistic } from './statistics.ts';

/** Which examples are looked at, and how many at a time. */
export interface ObserveOptions {
  /** Indices into the dataset; all of it by default. */
  readonly indices?: readonly number[];
  /** Examples that run together. */
  readonly batchSize?: number;
  /** Told the examples done and their total. */
  readonly progress?: (done: number, total: number) => void;
  /** Ends the work. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the data through the model once and folds a statistic over each named value.
 * Memory: one batch of the values, and one state per value.
 */
export async function observe<State, Result>(
  graph: Graph,
  values: readonly string[],
  statistic: Statistic<State, Result>,
  data: Dataset,
  { indices, batchSize = 1, progress, signal }: ObserveOptions = {},
): Promise<ReadonlyMap<string, Result>> {
  const total = indices?.length ?? data.size;
  if (total === 0) throw new CqError(`observe: ${data.name}: there are no examples`);
  const states = new Map(values.map((value) => [value, statistic.start()]));
  const model = executor(graph);
  try {
    let done = 0;
    for await (const { inputs } of data.batches(batchSize, indices)) {
      signal?.throwIfAborted();
      const tensors = model.run(inputs, values);
      try {
        for (const [i, value] of values.entries()) states.set(value, fold(statistic, states.get(value)!, tensors[i]!));
      } finally {
        for (const tensor of tensors) tensor.dispose();
      }
      done = Math.min(total, done + batchSize);
      progress?.(done, total);
      await nextTask();
    }
  } finally {
    model.dispose();
  }
  return new Map(values.map((value) => [value, statistic.finish(states.get(value)!, value)]));
}

function fold<State, Result>(statistic: Statistic<State, Result>, state: State, tensor: Tensor): State {
  return statistic.update(state, tensor.dataSync() as Float32Array, tensor.shape);
}

/** Lets timers and signals run: the kernels block the event loop. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
