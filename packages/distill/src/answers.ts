import {
  CqError,
  executor,
  readSnapshot,
  writeSnapshot,
  type ArrayTensor,
  type Batch,
  type Dataset,
  type Executor,
  type Graph,
  type Store,
} from '@cq/core';
import { digestOf } from './digest.ts';

/** The input beside those of the model under which data have what the teacher answered: `[batch, classes]`. */
export const ANSWER = 'teacher/logits';

/** The input under which data have another value of the teacher. */
export const answerOf = (value: string): string => `teacher/${value}`;

export interface AnswerOptions {
  /** Where the answers are kept, so that the teacher is asked once. */
  readonly store?: Store;
  /** Examples that run together. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/**
 * The data with the teacher's first output for every example: all that black-box distillation sees of it. The teacher
 * runs once, over all data, before the first batch.
 * @throws CqError if the output is not [batch, classes].
 */
export async function withAnswers(
  data: Dataset,
  teacher: Graph,
  { store, batchSize = 16, signal }: AnswerOptions = {},
): Promise<Dataset> {
  const key = `answers-${digestOf(teacher)}`;
  const state = { data: data.name, size: data.size };
  const kept = store && (await readSnapshot<typeof state>(store, key));
  const same = kept?.state.data === state.data && kept.state.size === state.size;
  const logits = same ? (kept.arrays['logits'] as Float32Array) : await ask(teacher, data, batchSize, signal);
  if (store && !same) await writeSnapshot(store, key, { state, arrays: { logits } });
  const classes = logits.length / data.size;
  return extended(data, (_, examples) => {
    const rows = new Float32Array(examples.length * classes);
    for (const [row, example] of examples.entries())
      rows.set(logits.subarray(example * classes, (example + 1) * classes), row * classes);
    return { [ANSWER]: { dtype: 'float32', shape: [examples.length, classes], data: rows } };
  });
}

/** Whether the data have a teacher's answers already. */
export async function hasAnswers(data: Dataset): Promise<boolean> {
  for await (const { inputs } of data.batches(1, [0])) return ANSWER in inputs;
  return false;
}

/** The data with other values of the teacher, computed with each batch: they are too large to keep. */
export function withValues(data: Dataset, teacher: Executor, values: readonly string[]): Dataset {
  return extended(data, ({ inputs }) => {
    const tensors = teacher.run(inputs, values);
    const entries = tensors.map((tensor, i): [string, ArrayTensor] => {
      const array: ArrayTensor = { dtype: 'float32', shape: tensor.shape, data: tensor.dataSync<'float32'>() };
      tensor.dispose();
      return [answerOf(values[i]!), array];
    });
    return Object.fromEntries(entries);
  });
}

/** The answers, by example, whatever order the batches have. */
async function ask(teacher: Graph, data: Dataset, batchSize: number, signal?: AbortSignal): Promise<Float32Array> {
  const model = executor(teacher);
  const { name } = teacher.outputs[0]!;
  let all = new Float32Array(0);
  try {
    for await (const { batch, examples } of numbered(data, batchSize)) {
      signal?.throwIfAborted();
      const [answer] = model.run(batch.inputs, [name]);
      const { shape } = answer!;
      const values = answer!.dataSync<'float32'>();
      answer!.dispose();
      if (shape.length !== 2)
        throw new CqError(`distill: "${name}": a teacher's output must be [batch, classes], got [${shape.join(', ')}]`);
      const classes = shape[1]!;
      if (all.length === 0) all = new Float32Array(data.size * classes);
      for (const [row, example] of examples.entries())
        all.set(values.subarray(row * classes, (row + 1) * classes), example * classes);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    model.dispose();
  }
  return all;
}

function extended(
  data: Dataset,
  more: (batch: Batch, examples: readonly number[]) => Readonly<Record<string, ArrayTensor>>,
): Dataset {
  return {
    name: data.name,
    size: data.size,
    async *batches(batchSize, indices) {
      for await (const { batch, examples } of numbered(data, batchSize, indices))
        yield { ...batch, inputs: { ...batch.inputs, ...more(batch, examples) } };
    },
  };
}

/** The batches, and which examples each holds. */
async function* numbered(data: Dataset, batchSize: number, indices?: readonly number[]) {
  let done = 0;
  for await (const batch of data.batches(batchSize, indices)) {
    const count = Object.values(batch.inputs)[0]!.shape[0]!;
    const next = Array.from({ length: count }, (_, row) => indices?.[done + row] ?? done + row);
    yield { batch, examples: batch.indices ?? next };
    done += count;
  }
}
