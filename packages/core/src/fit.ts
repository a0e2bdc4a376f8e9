import { adamStep, type AdamOptions } from './adam.ts';
import type { Dataset } from './dataset.ts';
import { edit } from './edit.ts';
import { CqError } from './errors.ts';
import type { Graph } from './graph.ts';
import { objective, type Objective, type ObjectiveOptions } from './objective.ts';
import { permutation, randomOf } from './random.ts';
import { rateFactor, type Schedule } from './schedule.ts';
import {
  checkpointOf,
  startTraining,
  type Best,
  type Checkpoint,
  type Parameter,
  type TrainingState,
} from './training-state.ts';

/** What trains, on which data, by which loss, how long and how. */
export interface FitOptions extends ObjectiveOptions {
  /** Weights that train, by name, or in a form of their own. */
  readonly parameters: readonly (string | Parameter)[];
  /** Examples to train with, drawn anew in each pass over them. */
  readonly data: Dataset;
  /** Of the optimizer. */
  readonly steps: number;
  /** Examples of a step, whatever number of them the data give at a time. */
  readonly batchSize: number | ((step: number) => number);
  /** Examples that run together; the gradients of a step's parts are averaged. */
  readonly part?: number;
  /** Of Adam, at its highest. */
  readonly rate: number;
  /** How the rate falls after it has risen. Default: it stays. */
  readonly schedule?: Schedule;
  /** Steps over which the rate rises first. */
  readonly warmUp?: number;
  /** Constants of the optimizer. */
  readonly adam?: AdamOptions;
  /** Held-back data, looked at before the first step, after every so many, and after the last. The best is kept. */
  readonly validation?: { readonly data: Dataset; readonly every: number };
  /** Of the order of the examples. */
  readonly seed: number;
  /** Ends the training after a last checkpoint. */
  readonly signal?: AbortSignal;
  /** Called after every step, before its checkpoint. */
  readonly progress?: (event: FitProgress) => void;
  /** Called after every so many steps, and when the signal aborts. */
  readonly checkpoint?: { readonly every: number; save(checkpoint: Checkpoint): void | Promise<void> };
  /** Goes on from there. The other options must be those that it was made with. */
  readonly resume?: Checkpoint;
}

/** How far a training is. */
export interface FitProgress {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  /** Of the step's batch. */
  readonly loss: number;
  readonly best?: Best;
  readonly secondsLeft: number;
}

/** What a training gave. */
export interface Fitted {
  /** With the best parameters on held-back data, or with the last ones. */
  readonly graph: Graph;
  readonly best?: Best;
  /** Of the last step. */
  readonly loss: number;
}

/** Milliseconds that may pass before timers and signals get their turn. */
const TURN = 20;

/**
 * Trains weights of a graph, the scales of quantizers among them: minibatches in an order of the seed, Adam or AdamW, the
 * gradients from TensorFlow.js (in Node they have to be registered: import `@tensorflow/tfjs-layers`).
 * The same seed, data and backend give the same bits, interrupted and resumed or not. No tensor is left behind.
 * @throws CqError if a parameter is no float weight, the loss is not finite, or a checkpoint is of another run.
 */
export async function fit(graph: Graph, options: FitOptions): Promise<Fitted> {
  const { data, steps, batchSize, rate, schedule = 'constant', warmUp, adam, seed, signal, checkpoint } = options;
  const parameters = options.parameters.map((given) => (typeof given === 'string' ? { name: given } : given));
  const run = startTraining(graph, parameters, seed, steps, options.resume);
  const model = objective(graph, options);
  const begin = { time: performance.now(), step: run.step };
  let turn = begin.time;
  let loss = NaN;
  try {
    if (run.step === 0) await validate(run, model, options);
    while (run.step < steps) {
      if (signal?.aborted) await checkpoint?.save(checkpointOf(run, seed, steps));
      signal?.throwIfAborted();
      const size = Math.min(data.size, typeof batchSize === 'number' ? batchSize : batchSize(run.step));
      const indices = Array.from({ length: size }, () => next(run, data.size, seed));
      const found = await batchGradients(run, model, indices, options);
      loss = found.loss;
      if (!Number.isFinite(loss)) throw new CqError(`fit: the loss of step ${run.step + 1} is ${loss}; lower the rate`);
      const factor = rate * rateFactor(schedule, run.step, steps, warmUp);
      for (const { name, rate: own = 1, decay, least } of parameters) {
        const values = run.values.get(name)!;
        const settings = decay === undefined ? adam : { ...adam, decay };
        adamStep(values, found.gradients.get(name)!, run.moments.get(name)!, run.step + 1, factor * own, settings);
        if (least !== undefined) values.forEach((value, i) => (values[i] = Math.max(value, least)));
      }
      run.step++;
      const { validation, progress } = options;
      if (validation && (run.step % validation.every === 0 || run.step === steps)) await validate(run, model, options);
      const now = performance.now();
      const perStep = (now - begin.time) / 1000 / (run.step - begin.step);
      progress?.({
        step: run.step,
        steps,
        loss,
        ...(run.best && { best: run.best }),
        secondsLeft: perStep * (steps - run.step),
      });
      if (checkpoint && run.step % checkpoint.every === 0) await checkpoint.save(checkpointOf(run, seed, steps));
      if (now - turn > TURN) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        turn = performance.now();
      }
    }
  } finally {
    model.dispose();
  }
  const chosen = run.best ? run.bestValues : run.values;
  const weights = parameters.map(({ name }) => ({ ...graph.weights.get(name)!, data: chosen.get(name)! }));
  return { graph: edit(graph, { weights }), loss, ...(run.best && { best: run.best }) };
}

/** The next example: every epoch goes through all of them in an order of its own. */
function next(run: TrainingState, size: number, seed: number): number {
  const epoch = Math.floor(run.drawn / size);
  if (run.order?.epoch !== epoch) run.order = { epoch, indices: permutation(size, randomOf(seed, 1, epoch)) };
  return run.order.indices[run.drawn++ % size]!;
}

/** Of all examples of a step: its parts count by their size. */
async function batchGradients(
  { values, step }: TrainingState,
  model: Objective,
  indices: readonly number[],
  { data, part = indices.length, steps, seed }: FitOptions,
): ReturnType<Objective['gradients']> {
  const gradients = new Map([...values].map(([name, { length }]) => [name, new Float32Array(length)]));
  const random = randomOf(seed, 2, step);
  let loss = 0;
  for await (const batch of data.batches(part, indices)) {
    const share = Object.values(batch.inputs)[0]!.shape[0]! / indices.length;
    const found = await model.gradients(values, batch, { step, steps, random });
    loss += share * found.loss;
    for (const [name, sum] of gradients) {
      const added = found.gradients.get(name)!;
      for (let i = 0; i < sum.length; i++) sum[i]! += share * added[i]!;
    }
  }
  return { loss, gradients };
}

/** Keeps the parameters if no others did better on the held-back data. */
async function validate(
  run: TrainingState,
  model: Objective,
  { validation, batchSize, part, signal }: FitOptions,
): Promise<void> {
  if (!validation) return;
  const size = part ?? (typeof batchSize === 'number' ? batchSize : batchSize(run.step));
  let loss = 0;
  for await (const batch of validation.data.batches(size)) {
    signal?.throwIfAborted();
    const share = Object.values(batch.inputs)[0]!.shape[0]! / validation.data.size;
    loss += share * (await model.loss(run.values, batch));
  }
  if (run.best && !(loss < run.best.loss)) return;
  run.best = { step: run.step, loss };
  for (const [name, values] of run.values) run.bestValues.set(name, values.slice());
}
