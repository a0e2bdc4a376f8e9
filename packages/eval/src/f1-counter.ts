/** F1 over the classes of labelled data, each from 0 to 1. */
export interface F1 {
  /** The mean F1 of the classes that are labels or answers. */
  readonly macroF1: number;
  /** The mean F1 of the classes, each by the number of its examples. */
  readonly weightedF1: number;
}

/**
 * Counts examples by class and answer, both class indices. F1 of a class is 2 · hits / (examples + answers); one that is
 * neither label nor answer counts for nothing, as in scikit-learn's `f1_score`.
 */
export function f1Counter(): { add(label: number, answer: number): void; result(): F1 } {
  const classes = new Map<number, { hits: number; examples: number; answers: number }>();
  const of = (name: number) => {
    const found = classes.get(name) ?? { hits: 0, examples: 0, answers: 0 };
    classes.set(name, found);
    return found;
  };
  return {
    add(label, answer) {
      of(label).examples++;
      of(answer).answers++;
      if (label === answer) of(label).hits++;
    },
    result() {
      let [sum, weighted, all] = [0, 0, 0];
      for (const { hits, examples, answers } of classes.values()) {
        const f1 = (2 * hits) / (examples + answers);
        sum += f1;
        weighted += f1 * examples;
        all += examples;
      }
      return { macroF1: sum / (classes.size || 1), weightedF1: weighted / (all || 1) };
    },
  };
}
