import { executor, type ArrayTensor, type Dataset, type Graph } from '@cq/core';
import { agreementCounter, evaluate } from '@cq/eval';
import { seenExamples, type Confusion, type WorstExample } from './seen-examples.ts';

/** What a compressed model is worth beside the one that it was made from. */
export interface Worth {
  /** Which data it was measured on: those it was calibrated with say too much good of it. */
  readonly on: 'evaluation' | 'calibration';
  readonly examples: number;
  /** Share of the examples with the same top class in both. */
  readonly agreement: number;
  /** Mean KL(before ‖ after) of the softmaxed outputs, in nats. */
  readonly kl: number;
  /** Share of the examples that are right; with labels. */
  readonly accuracy?: { readonly before: number; readonly after: number };
  /** Of the compressed model; of few classes. */
  readonly confusion?: Confusion;
  /** The examples whose outputs changed the most. */
  readonly worst?: readonly WorstExample[];
}

/** With labelled data that the model has not seen. */
export async function worthOnEvaluation(
  before: Graph,
  after: Graph,
  data: Dataset,
  options: { readonly progress: (done: number, total: number) => void; readonly signal: AbortSignal },
): Promise<Worth> {
  const seen = seenExamples(after);
  const { value, agreement, kl, count } = await evaluate(after, data, {
    reference: before,
    ...options,
    example: seen.add,
  });
  const confusion = seen.confusion();
  return {
    ...{ on: 'evaluation', examples: count, agreement: agreement!, kl: kl! },
    accuracy: { before: seen.accuracyBefore(), after: value },
    ...(confusion && { confusion }),
    worst: await seen.worst(data),
  };
}

/** Without labels: how far the outputs moved. Undefined where they are no classes. */
export async function worthOnCalibration(
  before: Graph,
  after: Graph,
  examples: readonly Readonly<Record<string, ArrayTensor>>[],
): Promise<Worth | undefined> {
  if (before.outputs[0]!.shape.length !== 2 || examples.length === 0) return undefined;
  const models = [before, after].map((graph) => executor(graph));
  const counter = agreementCounter();
  try {
    for (const inputs of examples) {
      const [came, now] = models.map((model, i) => {
        const output = model.run(inputs, [[before, after][i]!.outputs[0]!.name])[0]!;
        const logits = output.dataSync<'float32'>();
        output.dispose();
        return logits;
      });
      counter.add(came!, now!);
    }
  } finally {
    for (const model of models) model.dispose();
  }
  return { on: 'calibration', examples: examples.length, ...counter.result() };
}
