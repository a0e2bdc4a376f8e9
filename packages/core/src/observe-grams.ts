import type { Tensor } from '@tensorflow/tfjs-core';
import type { Batch, Dataset } from './dataset.ts';
import { CqError } from './errors.ts';
import { executor } from './execute.ts';
import { addTokens, finishGram, inverseEnergies, startGram, type Gram, type GramSum } from './gram.ts';
import type { Graph } from './graph.ts';
import type { ObserveOptions } from './observe.ts';

/** A graph and the data to run through it. */
export interface Source {
  readonly graph: Graph;
  readonly data: Dataset;
}

/** A layer's input: its name in the quantized graph, and in the float one if that differs. */
export interface GramTap {
  readonly quantized: string;
  readonly float?: string;
  /** An input of the float data that has one weight for each token, in place of those by energy. */
  readonly weights?: string;
}

/** Which examples are summed, and as what. */
export interface ObserveGramsOptions extends ObserveOptions {
  /** Adds a row for the bias. */
  readonly ones?: boolean;
  /** Whether tokens weigh by `tokenWeights` of the float input. */
  readonly weighted?: boolean;
}

/**
 * Gram matrices and cross terms of many layers' inputs in one sweep: x̂ from the quantized graph, x from the float one on
 * data that stand in the same order (`blockInputs` gives both). Keys of the result: names in the quantized graph.
 * Memory: one batch, and inputs² numbers per layer, twice.
 */
export async function observeGrams(
  quantized: Source,
  float: Source,
  taps: readonly GramTap[],
  { ones = false, weighted = false, indices, batchSize = 1, progress, signal }: ObserveGramsOptions = {},
): Promise<ReadonlyMap<string, Gram>> {
  const total = indices?.length ?? quantized.data.size;
  if (float.data.size !== quantized.data.size) {
    throw new CqError(
      `observe-grams: needs as many float examples as quantized ones, got ${float.data.size} and ${quantized.data.size}`,
    );
  }
  const sums = new Map<string, GramSum>();
  const models = [executor(quantized.graph), executor(float.graph)] as const;
  const others = float.data.batches(batchSize, indices)[Symbol.asyncIterator]();
  try {
    let done = 0;
    for await (const { inputs } of quantized.data.batches(batchSize, indices)) {
      signal?.throwIfAborted();
      const other = await others.next();
      if (other.done) throw new CqError(`observe-grams: ${float.data.name} ends before ${quantized.data.name}`);
      const tensors: Tensor[] = [];
      try {
        tensors.push(
          ...models[0].run(
            inputs,
            taps.map((tap) => tap.quantized),
          ),
        );
        tensors.push(
          ...models[1].run(
            other.value.inputs,
            taps.map((tap) => tap.float ?? tap.quantized),
          ),
        );
        for (const [i, { quantized: value, weights: given }] of taps.entries()) {
          const [from, to] = [tensors[i]!, tensors[i + taps.length]!];
          const target = to.dataSync<'float32'>();
          const sum = sums.get(value) ?? startGram(from.shape.at(-1)!, { ones, cross: true });
          sums.set(value, sum);
          const weights =
            given === undefined ? weighted && inverseEnergies(target, sum.channels) : weightsIn(other.value, given);
          addTokens(sum, from.dataSync<'float32'>(), { float: target, ...(weights && { weights }) });
        }
      } finally {
        for (const tensor of tensors) tensor.dispose();
      }
      done = Math.min(total, done + batchSize);
      progress?.(done, total);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    for (const model of models) model.dispose();
    await others.return?.();
  }
  return new Map([...sums].map(([value, sum]) => [value, finishGram(sum, value)]));
}

function weightsIn({ inputs }: Batch, name: string): ArrayLike<number> {
  const weights = inputs[name]?.data;
  if (!weights)
    throw new CqError(`observe-grams: the float data lack "${name}"; they have ${Object.keys(inputs).join(', ')}`);
  return weights;
}
