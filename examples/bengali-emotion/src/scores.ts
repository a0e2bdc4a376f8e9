import { executor, type Dataset, type Graph } from '@cq/core';

export interface Scores {
  readonly count: number;
  readonly correct: number;
  readonly accuracy: number;
  /** The mean F1 of the classes. */
  readonly macroF1: number;
  /** The same, each class counting by its examples. */
  readonly weightedF1: number;
}

/** How well a classifier does on labelled data. */
export async function scoresOf(graph: Graph, data: Dataset, batchSize = 8): Promise<Scores> {
  const model = executor(graph);
  let confusion: number[][] = [];
  try {
    for await (const { inputs, labels } of data.batches(batchSize)) {
      const [logits] = model.run(inputs);
      const classes = logits!.shape[1]!;
      const values = logits!.dataSync();
      logits!.dispose();
      if (confusion.length === 0) confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
      for (const [row, label] of labels!.entries()) {
        const own = [...values.slice(row * classes, (row + 1) * classes)];
        confusion[label]![own.indexOf(Math.max(...own))]!++;
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    model.dispose();
  }
  return scoresFrom(confusion);
}

/** @param confusion Examples by true class and by the class that was answered. */
export function scoresFrom(confusion: readonly (readonly number[])[]): Scores {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const support = confusion.map(sum);
  const hits = confusion.map((row, label) => row[label]!);
  const answered = confusion.map((_, label) => sum(confusion.map((row) => row[label]!)));
  const f1 = hits.map((hit, label) => (hit === 0 ? 0 : (2 * hit) / (support[label]! + answered[label]!)));
  const count = sum(support);
  const correct = sum(hits);
  return {
    count,
    correct,
    accuracy: correct / count,
    macroF1: sum(f1) / f1.length,
    weightedF1: sum(f1.map((value, label) => value * support[label]!)) / count,
  };
}
