import { readFile } from 'node:fs/promises';
import type { Content, Dataset, Graph } from '@cq/core';
import { klDivergence, logSumExp, topClass, type EvaluatedExample } from '@cq/eval';

/** Who was taken for whom. */
export interface Confusion {
  readonly classes: readonly string[];
  /** By label, then by answer. */
  readonly counts: readonly (readonly number[])[];
}

/** An example that a model answers badly, or otherwise than another. */
export interface WorstExample {
  /** A file, or a line of one. */
  readonly place?: string;
  readonly text?: string;
  /** A small picture, as a data URL. */
  readonly picture?: string;
  readonly label: string;
  /** Of the model to compare with, if there is one. */
  readonly before?: Answer;
  readonly after: Answer;
  /** KL(before ‖ after) in nats; without a model to compare with, −log of what the label got. */
  readonly kl: number;
}

export interface Answer {
  readonly name: string;
  /** Of 1. */
  readonly probability: number;
}

/** Most classes of a confusion matrix, most examples shown, and most pairs of classes. */
const [CLASSES, WORST, PAIRS] = [20, 12, 20];

/** Parts of the probabilities from 0 to 1. */
const BINS = 20;

/** What an evaluation tells of single examples. */
export interface SeenExamples {
  /** Told of every example once. */
  add(example: EvaluatedExample): void;
  /** Share of the examples that the model to compare with gets right. */
  accuracyBefore(): number;
  /** Undefined if there are too many classes to draw. */
  confusion(): Confusion | undefined;
  /** The classes that are mistaken the most often, and for what. */
  mistakes(): readonly { readonly label: string; readonly said: string; readonly count: number }[];
  /** Answers by their probability, from 0 to 1 in equal parts. */
  sureness(): { readonly right: readonly number[]; readonly wrong: readonly number[] };
  /** Those whose outputs are the farthest from those of the other model, or without one from their labels. */
  worst(data: Dataset): Promise<readonly WorstExample[]>;
}

/** Memory: four numbers an example, and a count for each pair of classes that came up. */
export function seenExamples({ metadata: { labels } }: Graph): SeenExamples {
  const seen: (Pick<WorstExample, 'before' | 'after' | 'kl'> & { readonly index: number; readonly label: number })[] =
    [];
  const counts: number[][] = [];
  let [right, classes] = [0, 0];
  const name = (index: number): string => labels?.[index] ?? String(index);
  const answer = (logits: Float32Array): Answer => ({ name: name(topClass(logits)), probability: topShare(logits) });
  return {
    add({ index, label, logits, reference }) {
      classes = logits.length;
      if (reference && topClass(reference) === label) right++;
      (counts[label] ??= [])[topClass(logits)] ??= 0;
      counts[label]![topClass(logits)]!++;
      seen.push({
        ...{ index, label, after: answer(logits) },
        ...(reference && { before: answer(reference) }),
        kl: reference ? klDivergence(reference, logits) : logSumExp(logits) - logits[label]!,
      });
    },
    accuracyBefore: () => right / seen.length,
    confusion() {
      if (classes > CLASSES) return undefined;
      const all = Array.from({ length: classes }, (_, i) => i);
      return { classes: all.map(name), counts: all.map((label) => all.map((other) => counts[label]?.[other] ?? 0)) };
    },
    mistakes: () =>
      counts
        .flatMap((row, label) => row.map((count, said) => ({ label, said, count })))
        .filter(({ label, said }) => label !== said)
        .sort((a, b) => b.count - a.count)
        .slice(0, PAIRS)
        .map(({ label, said, count }) => ({ label: name(label), said: name(said), count })),
    sureness() {
      const bins = { right: new Array<number>(BINS).fill(0), wrong: new Array<number>(BINS).fill(0) };
      for (const { label, after } of seen) {
        const side = after.name === name(label) ? 'right' : 'wrong';
        bins[side][Math.min(BINS - 1, Math.floor(BINS * after.probability))]!++;
      }
      return bins;
    },
    async worst(data) {
      const chosen = [...seen].sort((a, b) => b.kl - a.kl).slice(0, WORST);
      const contents = await contentsOf(
        data,
        chosen.map(({ index }) => index),
      );
      return chosen.map(({ index: _, label, ...answers }, i) => ({ ...contents[i], label: name(label), ...answers }));
    },
  };
}

/** The largest entry of the softmax. */
const topShare = (logits: Float32Array): number => Math.exp(logits[topClass(logits)]! - logSumExp(logits));

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
