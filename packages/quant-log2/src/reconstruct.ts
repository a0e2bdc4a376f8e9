import {
  capture,
  edit,
  fit,
  join,
  partOf,
  quantizerOf,
  subset,
  type Checkpoint,
  type Graph,
  type Passed,
  type Shares,
} from '@cq/core';
import {
  add,
  less,
  mean,
  mul,
  randomUniform,
  squaredDifference,
  tensor,
  where,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { Importance } from './importance.ts';
import { stagesOf, type BitSchedule } from './bits-at.ts';
import { trainedIn } from './trained.ts';
import { transition } from './transition.ts';

export interface ReconstructOptions {
  readonly from: number;
  readonly to: number;
  readonly schedule: BitSchedule;
  /** Training steps for a block. */
  readonly iterations: number;
  readonly batchSize: number;
  /** Of Adam: of a weight as a part of its step, of everything else as a part of its own size. */
  readonly rate: number;
  /** Chance that a token of what the block reads comes from the quantized prefix, not from the float model. */
  readonly keep: number;
}

export interface Reconstruction {
  readonly graph: Graph;
  /** Of the block's output on held-back examples, in the loss's measure: before, and what was kept. */
  readonly before: number;
  readonly after: number;
  /** The loss of each stage at ten of its steps. */
  readonly curves: readonly Curve[];
}

interface Curve {
  /** Of the wider codes and of the narrower. */
  readonly bits: readonly [number, number];
  readonly loss: number[];
}

/** All that a reconstruction needs to go on, and to say in the end what it would have said. */
export interface Saved {
  readonly checkpoint: Checkpoint;
  readonly stage: number;
  readonly curves: readonly Curve[];
  readonly before?: number;
}

export interface ReconstructRun {
  /** Of the block's inputs: what trains, and what decides which of it is kept. */
  readonly shares: Shares;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly saved?: Saved;
  save?(saved: Saved): Promise<void>;
  progress?(done: number, loss: number): void;
}

/** Names beside the block's inputs: what the float block gives, and what the float model feeds it. */
const [EXPECTED, FLOAT] = ['the float output', 'the float input'];

/** Examples that run together where nothing is trained. */
const BATCH = 8;

/**
 * Trains a block towards the float block's output from inputs that the quantized prefix gives: weights and scales of its
 * quantizers, biases and norms, while the bits of its codes go down. What errs least on held-back examples is kept.
 * @param quantized,float The block's inputs and the graphs, in the coordinates of each.
 */
export async function reconstruct(
  graph: Graph,
  quantized: Passed,
  float: Passed & { readonly graph: Graph },
  importance: Importance | undefined,
  options: ReconstructOptions,
  run: ReconstructRun,
): Promise<Reconstruction> {
  const { input, output } = float.region;
  const part = partOf(graph, quantized);
  const expected = await capture(partOf(float.graph, float), { [EXPECTED]: output, [FLOAT]: input }, float.inputs, {
    batchSize: BATCH,
    signal: run.signal,
  });
  try {
    const data = join(quantized.inputs, expected);
    const { used, held } = run.shares;
    const taught = annotationsOf(part, options.to);
    const stages = stagesOf(options.schedule, options.from, options.to, options.iterations);
    let trained = part;
    let before = run.saved?.before;
    let after = NaN;
    let done = 0;
    const curves = [...(run.saved?.curves ?? [])];
    for (const [i, stage] of stages.entries()) {
      if (run.saved && i < run.saved.stage) {
        done += stage.steps;
        continue;
      }
      const last = i === stages.length - 1;
      const { graph: changing, feeds } = transition(trained, taught, options.to, stage, options.schedule);
      if (curves.length === i) curves.push({ bits: [stage.wide, stage.narrow], loss: [] });
      const { loss } = curves[i]!;
      const start = done;
      const fitted = await fit(changing, {
        parameters: trainedIn(trained, options.to, options.rate),
        values: [output],
        loss: weightedError(output, importance),
        feeds: ({ batch, step, random }) => ({
          ...feeds(step),
          ...(options.keep < 1 && {
            [input]: mixed(batch[input]!, batch[FLOAT]!, options.keep, random.integer(2 ** 31)),
          }),
        }),
        data: subset(data, used),
        ...{ steps: stage.steps, batchSize: options.batchSize, rate: 1, seed: run.seed + i, signal: run.signal },
        schedule: last ? 'cosine' : 'constant',
        ...(last && { validation: { data: subset(data, held), every: Math.max(1, Math.ceil(stage.steps / 3)) } }),
        ...(run.saved?.stage === i && { resume: run.saved.checkpoint }),
        ...(run.save && {
          checkpoint: {
            every: 50,
            save: (checkpoint) => run.save!({ checkpoint, stage: i, curves, ...(before !== undefined && { before }) }),
          },
        }),
        progress({ step, steps, loss: now, best }) {
          if (step % Math.max(1, Math.ceil(steps / 10)) === 0) loss.push(Number(now.toPrecision(4)));
          if (last) before ??= best!.loss;
          run.progress?.(start + step, now);
        },
      });
      done += stage.steps;
      const weights = trainedIn(trained, options.to, options.rate).map(({ name }) => fitted.graph.weights.get(name)!);
      trained = edit(trained, { weights });
      if (last) after = fitted.best!.loss;
    }
    const weights = trainedIn(part, options.to, options.rate).map(({ name }) => trained.weights.get(name)!);
    return { graph: edit(graph, { weights }), before: before ?? after, after, curves };
  } finally {
    await expected.dispose();
  }
}

/** The quantizers of the target's bits in a part of a model. */
function annotationsOf(part: Graph, bits: number): string[] {
  return [...part.nodes.values()]
    .filter(
      ({ name, op, attrs }) => op === 'CqFakeQuantize' && attrs['bits'] === bits && kindOf(part, name) !== undefined,
    )
    .map(({ name }) => name);
}

const kindOf = (part: Graph, name: string): string | undefined => {
  const quantizer = quantizerOf(part, name);
  return quantizer && quantizer.kind !== 'codebook' && quantizer.kind !== 'dynamic' ? quantizer.kind : undefined;
};

type Tensors = Readonly<Record<string, Tensor>>;

function weightedError(output: string, importance: Importance | undefined) {
  return ({ values, batch }: { readonly values: Tensors; readonly batch: Tensors }): Tensor => {
    const error = squaredDifference(values[output]!, batch[EXPECTED]!);
    if (!importance) return mean(error);
    return mean(mul(error, tensor(importance.weights, [1, ...importance.shape])));
  };
}

/** Each token from one of two. */
function mixed(quantized: Tensor, float: Tensor, keep: number, seed: number): Tensor {
  const shape = [...quantized.shape.slice(0, -1), 1];
  const kept = less(randomUniform(shape, 0, 1, 'float32', seed), keep);
  return where(kept, quantized, add(float, 0));
}
