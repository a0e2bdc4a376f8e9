import { CqError, executor, tipOf, type Dataset, type Graph, type PassContext } from '@cq/core';
import { hasAnswers, withAnswers } from './answers.ts';
import { pairsOf, type ValuePair, type ValuePairs } from './layer-pairs.ts';
import { looksInside, type DistillOptions } from './options.ts';
import { project } from './projections.ts';
import { trainable } from './trainable.ts';

/** What a student is trained on. */
export interface Lesson {
  /** The student, with what its losses need beside it. */
  readonly graph: Graph;
  /** The values that are compared: of losses that were not chosen none. */
  readonly pairs: ValuePairs;
  /** The weights of the student that may move. */
  readonly parameters: readonly string[];
  /** Weights that are learned with them and are none of the student's. */
  readonly extra: readonly string[];
  /** With the teacher's outputs, if they are asked for. */
  readonly data: Dataset;
}

/** Finds what the losses compare, and asks the teacher for its outputs. */
export async function lessonOf(
  student: Graph,
  { teacher, losses, layers, steps }: DistillOptions,
  { data: { training }, seed, store, signal }: PassContext,
): Promise<Lesson> {
  const found: ValuePairs =
    teacher && looksInside(losses) ? pairsOf(student, teacher, layers) : { hidden: [], attention: [] };
  const attention = losses.includes('attention') ? found.attention : [];
  if (losses.includes('attention') && attention.length === 0)
    throw new CqError('distill: loss attention needs blocks with attention in both models, got none');
  const hidden = losses.includes('hidden')
    ? found.hidden.map((pair) => ({ ...pair, student: tipOf(student, pair.student) }))
    : [];
  const channels = hidden.length > 0 ? await channelsOf(student, teacher!, hidden, training!) : noChannels;
  const projected = project(student, hidden, channels, seed);
  const output = losses.includes('soft') || losses.includes('labels') ? [student.outputs[0]!.value] : [];
  const asks = teacher !== undefined && steps > 0 && losses.includes('soft') && !(await hasAnswers(training!));
  return {
    graph: projected.graph,
    pairs: { hidden: projected.pairs, attention },
    parameters: trainable(student, [...output, ...[...hidden, ...attention].map((pair) => pair.student)]),
    extra: projected.weights,
    data: asks ? await withAnswers(training!, teacher, { signal, ...(store && { store }) }) : training!,
  };
}

type Channels = (pair: ValuePair) => readonly [own: number, teacher: number];

const noChannels: Channels = () => [0, 0];

/** How many channels the values of a pair have, as one example shows. */
async function channelsOf(
  student: Graph,
  teacher: Graph,
  pairs: readonly ValuePair[],
  training: Dataset,
): Promise<Channels> {
  const [own, theirs] = [
    await lastSizes(
      student,
      pairs.map((pair) => pair.student),
      training,
    ),
    await lastSizes(
      teacher,
      pairs.map((pair) => pair.teacher),
      training,
    ),
  ];
  return (pair) => [own.get(pair.student)!, theirs.get(pair.teacher)!];
}

async function lastSizes(graph: Graph, values: readonly string[], data: Dataset): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  const model = executor(graph);
  try {
    for await (const { inputs } of data.batches(1, [0])) {
      for (const [i, tensor] of model.run(inputs, values).entries()) {
        found.set(values[i]!, tensor.shape.at(-1)!);
        tensor.dispose();
      }
    }
  } finally {
    model.dispose();
  }
  return found;
}
