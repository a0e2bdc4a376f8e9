import type { Dataset, Graph } from '@cq/core';
import { evaluate, f1Counter, topClass, type F1 } from '@cq/eval';

export interface Scores extends F1 {
  readonly count: number;
  readonly correct: number;
  readonly accuracy: number;
}

/** How well a classifier does on labelled data. */
export async function scoresOf(graph: Graph, data: Dataset, batchSize = 8): Promise<Scores> {
  const counter = f1Counter();
  const { count, correct, value } = await evaluate(graph, data, {
    batchSize,
    example: ({ label, logits }) => counter.add(label, topClass(logits)),
  });
  return { count, correct, accuracy: value, ...counter.result() };
}
