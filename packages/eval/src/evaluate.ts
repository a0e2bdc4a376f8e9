import { CqError, executor, type ArrayTensor, type Dataset, type Executor, type Graph } from '@cq/core';
import { isHit } from './accuracy.ts';
import { agreementCounter, type Agreement } from './agreement.ts';
import { sequenceDigest } from './digest.ts';
import { median } from './latency.ts';

/** What is evaluated, and against what. */
export interface EvaluateOptions {
  /** A model to compare the outputs with, such as the one that `graph` was made from. */
  readonly reference?: Graph;
  /** The first so many examples; all by default. */
  readonly limit?: number;
  /** Examples that run together. */
  readonly batchSize?: number;
  /** Told of every example once. */
  readonly example?: (example: EvaluatedExample) => void;
  /** Told the examples done and their total. */
  readonly progress?: (done: number, total: number) => void;
  /** Ends the work. */
  readonly signal?: AbortSignal;
}

/** One example, and what the models say of it. */
export interface EvaluatedExample {
  /** Its place in the data. */
  readonly index: number;
  readonly label: number;
  /** [classes] */
  readonly logits: Float32Array;
  /** Those of the reference, if there is one. */
  readonly reference?: Float32Array;
}

/** How good a model is, and how fast; with a reference also how near to that. */
export interface Evaluation extends Partial<Agreement> {
  readonly metric: 'top-1';
  /** The metric, of 1. */
  readonly value: number;
  readonly correct: number;
  readonly count: number;
  /** Examples whose label is among the five largest logits, of 1. */
  readonly top5: number;
  /** Median of the execution per example, without decoding and preprocessing. */
  readonly milliseconds: number;
  /** Fingerprint of the first output of every example in order; `sequenceDigest` says how. Equal outputs, equal bits. */
  readonly logitsSha256: string;
}

/**
 * The metrics of the model's task on labelled data, on TensorFlow.js's current backend. One pass over the data, which
 * takes 32 bytes of memory an example and one batch.
 * @throws CqError if the task has no metric, or the data have no labels or those of another model.
 */
export async function evaluate(graph: Graph, dataset: Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
  const { reference, batchSize = 1, progress, signal } = options;
  requireTask(graph);
  const total = exampleCount(dataset, options.limit);
  const output = graph.outputs[0]!.name;
  const model = executor(graph);
  let other: Executor | undefined;
  const digest = sequenceDigest(total);
  const nearness = agreementCounter();
  const milliseconds: number[] = [];
  let [done, correct, top5] = [0, 0, 0];
  try {
    if (reference) other = executor(reference);
    const all = Array.from({ length: total }, (_, index) => index);
    for await (const { inputs, labels, indices } of dataset.batches(batchSize, all)) {
      signal?.throwIfAborted();
      const start = performance.now();
      const rows = await outputRows(model, inputs, output);
      milliseconds.push((performance.now() - start) / rows.length);
      const referenceRows = other && (await outputRows(other, inputs, reference!.outputs[0]!.name));
      for (const [row, logits] of rows.entries()) {
        const label = labelAt(dataset, labels, row, rows.length, logits.length);
        if (isHit(logits, label)) correct++;
        if (isHit(logits, label, 5)) top5++;
        const index = indices?.[row] ?? done + row;
        const other = referenceRows?.[row];
        if (other) nearness.add(other, logits);
        await digest.set(index, logits);
        options.example?.({ index, label, logits, ...(other && { reference: other }) });
      }
      done += rows.length;
      progress?.(done, total);
      await nextTask();
    }
  } finally {
    model.dispose();
    other?.dispose();
  }
  return {
    metric: 'top-1',
    value: correct / done,
    correct,
    count: done,
    top5: top5 / done,
    milliseconds: median(milliseconds),
    logitsSha256: await digest.hex(),
    ...(reference && nearness.result()),
  };
}

/** What has a metric; the first output of each is `[batch, classes]`. */
const tasks: readonly (string | undefined)[] = ['image-classification', 'text-classification'];

function requireTask({ metadata: { task } }: Graph): void {
  if (tasks.includes(task)) return;
  throw new CqError(
    `evaluate: the model's task must be ${tasks.join(' or ')}, got ${task === undefined ? 'none' : `"${task}"`}; no other task has a metric yet`,
  );
}

function exampleCount({ name, size }: Dataset, limit: number | undefined): number {
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new CqError(`evaluate: limit must be a whole number from 1, got ${limit}`);
  }
  if (size === 0) throw new CqError(`${name}: at least one example is needed to evaluate, got none`);
  return Math.min(size, limit ?? size);
}

/** The first output for every example: `[batch, classes]` as rows. */
async function outputRows(
  model: Executor,
  inputs: Readonly<Record<string, ArrayTensor>>,
  output: string,
): Promise<Float32Array[]> {
  const [logits] = model.run(inputs, [output]);
  try {
    const [count, classes] = logits!.shape;
    if (logits!.shape.length !== 2) {
      throw new CqError(`evaluate: output "${output}" must be [batch, classes], got [${logits!.shape.join(', ')}]`);
    }
    const values = (await logits!.data()) as Float32Array;
    return Array.from({ length: count! }, (_, row) => values.slice(row * classes!, (row + 1) * classes!));
  } finally {
    logits!.dispose();
  }
}

function labelAt(
  { name }: Dataset,
  labels: readonly number[] | undefined,
  row: number,
  rows: number,
  classes: number,
): number {
  const label = labels?.[row];
  if (label === undefined || labels!.length !== rows) {
    throw new CqError(
      `${name}: every example needs a label to evaluate, got ${labels ? 'some without' : 'none'}; add labels.csv (file,label) or one sub-folder per class`,
    );
  }
  if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
    throw new CqError(`${name}: labels must be from 0 to ${classes - 1}, the classes of the model, got ${label}`);
  }
  return label;
}

/** Lets timers and signals run: the kernels block the event loop. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
