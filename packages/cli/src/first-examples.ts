import type { ArrayTensor, Dataset, Graph } from '@cq/core';
import { randomFeeds, type Signature } from './bench-feeds.ts';

type Inputs = Readonly<Record<string, ArrayTensor>>;

/** The first examples of a dataset, each a batch of its own. */
export async function firstExamples(data: Dataset, most: number): Promise<readonly Inputs[]> {
  const examples: Inputs[] = [];
  const indices = Array.from({ length: Math.min(most, data.size) }, (_, index) => index);
  for await (const { inputs } of data.batches(1, indices)) examples.push(inputs);
  return examples;
}

/** One of random input; none where the model does not say what sizes it takes. */
export function randomExample({ inputs }: Graph, seed: number): readonly Inputs[] {
  try {
    return [randomFeeds(inputs as readonly Signature[], 1, seed)];
  } catch {
    return [];
  }
}
