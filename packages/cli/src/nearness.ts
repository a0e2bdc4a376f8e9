import { executor, type ArrayTensor, type Dataset, type Graph } from '@cq/core';
import { agreementCounter, logSumExp, topClass } from '@cq/eval';

/** What a model says of some examples, to hold others against it. */
export interface Answers {
  /** Of the first example. */
  readonly inputs: Readonly<Record<string, ArrayTensor>>;
  readonly logits: readonly Float32Array[];
}

/** How near a model is to the float one. */
export interface Nearness {
  /** Mean KL from it. */
  readonly kl: number;
  readonly agreement: number;
  /** Share of the accuracy to count as lost. */
  readonly drop: number;
}

/** Runs a model on the data, one example at a time. */
export async function answersOf(graph: Graph, data: Dataset, signal: AbortSignal): Promise<Answers> {
  const model = executor(graph);
  const logits: Float32Array[] = [];
  let first: Answers['inputs'] = {};
  try {
    for await (const { inputs } of data.batches(1)) {
      signal.throwIfAborted();
      if (logits.length === 0) first = inputs;
      const [output] = model.run(inputs, [graph.outputs[0]!.name]);
      logits.push(output!.dataSync<'float32'>());
      output!.dispose();
      await nextTask();
    }
  } finally {
    model.dispose();
  }
  return { inputs: first, logits };
}

/**
 * The lost accuracy is what the float model's own probabilities give its answers more than the other's, p(a) − p(b), in the
 * mean and one standard error of it. Labels would tell less: of 500 examples some ten change sides for whatever reason,
 * which is a standard error of half a point.
 */
export function nearness(float: Answers, other: Answers): Nearness {
  const counter = agreementCounter();
  const lost = other.logits.map((logits, i) => {
    const before = float.logits[i]!;
    counter.add(before, logits);
    const sum = logSumExp(before);
    return Math.exp(before[topClass(before)]! - sum) - Math.exp(before[topClass(logits)]! - sum);
  });
  const mean = lost.reduce((total, loss) => total + loss, 0) / lost.length;
  const variance = lost.reduce((total, loss) => total + (loss - mean) ** 2, 0) / Math.max(1, lost.length - 1);
  return { ...counter.result(), drop: mean + Math.sqrt(variance / lost.length) };
}

/** Lets signals arrive: the kernels block the event loop. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
