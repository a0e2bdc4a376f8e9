import { readFile } from 'node:fs/promises';
import { executor, type ArrayTensor, type Content, type Dataset, type Graph } from '@cq/core';
import { agreementCounter, evaluate, klDivergence, topClass, type EvaluatedExample } from '@cq/eval';

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
  /** By label, then by answer of the compressed model; of few classes. */
  readonly confusion?: { readonly classes: readonly string[]; readonly counts: readonly (readonly number[])[] };
  /** The examples whose outputs changed the most. */
  readonly worst?: readonly WorstExample[];
}

export interface WorstExample {
  /** A file, or a line of one. */
  readonly place?: string;
  readonly text?: string;
  /** A small picture, as a data URL. */
  readonly picture?: string;
  readonly label: string;
  readonly before: Answer;
  readonly after: Answer;
  /** KL(before ‖ after) in nats. */
  readonly kl: number;
}

export interface Answer {
  readonly name: string;
  /** Of 1. */
  readonly probability: number;
}

/** Most classes of a confusion matrix, and most examples shown. */
const [CLASSES, WORST] = [20, 12];

/** With labelled data that the model has not seen. */
export async function worthOnEvaluation(
  before: Graph,
  after: Graph,
  data: Dataset,
  options: { readonly progress: (done: number, total: number) => void; readonly signal: AbortSignal },
): Promise<Worth> {
  const seen: (Omit<EvaluatedExample, 'logits' | 'reference'> & Omit<WorstExample, 'label'>)[] = [];
  const name = (index: number): string => after.metadata.labels?.[index] ?? String(index);
  const answer = (logits: Float32Array): Answer => ({ name: name(topClass(logits)), probability: topShare(logits) });
  let [right, classes] = [0, 0];
  const counts: number[][] = [];
  const { value, agreement, kl, count } = await evaluate(after, data, {
    reference: before,
    ...options,
    example({ index, label, logits, reference }) {
      classes = logits.length;
      if (topClass(reference!) === label) right++;
      (counts[label] ??= [])[topClass(logits)] ??= 0;
      counts[label]![topClass(logits)]!++;
      seen.push({
        index,
        label,
        kl: klDivergence(reference!, logits),
        before: answer(reference!),
        after: answer(logits),
      });
    },
  });
  const chosen = seen.sort((a, b) => b.kl - a.kl).slice(0, WORST);
  const contents = await contentsOf(
    data,
    chosen.map(({ index }) => index),
  );
  const worst = chosen.map(({ label, before: came, after: now, kl: distance }, i) => ({
    ...contents[i],
    ...{ label: name(label), before: came, after: now, kl: distance },
  }));
  const all = Array.from({ length: classes }, (_, i) => i);
  return {
    ...{ on: 'evaluation', examples: count, agreement: agreement!, kl: kl! },
    accuracy: { before: right / count, after: value },
    ...(classes <= CLASSES && {
      confusion: {
        classes: all.map(name),
        counts: all.map((label) => all.map((other) => counts[label]?.[other] ?? 0)),
      },
    }),
    worst,
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

/** The largest entry of the softmax. */
function topShare(logits: Float32Array): number {
  const top = logits[topClass(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - top);
  return 1 / sum;
}

async function contentsOf(data: Dataset, indices: readonly number[]): Promise<Partial<WorstExample>[]> {
  if (!data.contents) return [];
  const found: Partial<WorstExample>[] = [];
  for await (const content of data.contents(indices)) found.push(await shownAs(content));
  return found;
}

async function shownAs({ place, text }: Content): Promise<Partial<WorstExample>> {
  if (text !== undefined) return { place, text: text.slice(0, 400) };
  const { default: sharp } = await import('sharp');
  const small = await sharp(await readFile(place))
    .resize(PICTURE, PICTURE, { fit: 'cover' })
    .jpeg({ quality: 70 })
    .toBuffer();
  return { place, picture: `data:image/jpeg;base64,${small.toString('base64')}` };
}

/** Pixels of a side. */
const PICTURE = 128;
