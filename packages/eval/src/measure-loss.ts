import { CqError, executor, fakeQuantizeOf, type Captured, type Graph } from '@cq/core';
import { isHit } from './accuracy.ts';
import { agreementCounter, type Agreement } from './agreement.ts';
import { signalAndNoise } from './sqnr.ts';

/** How far a model's outputs are from those of the float model. */
export interface Loss extends Agreement {
  readonly examples: number;
  /** Share of the examples that it gets right; absent where the data have no labels. */
  readonly accuracy?: number;
  /** Signal to quantization noise in dB of the value that was watched. */
  readonly sqnr?: number;
}

/** The outputs of the float model, in the order in which the captured examples stand. */
export interface Reference {
  readonly logits: readonly Float32Array[];
  readonly accuracy?: number;
}

export async function referenceOf(graph: Graph, data: Captured): Promise<Reference> {
  const logits: Float32Array[] = [];
  let correct: number | undefined = 0;
  for await (const { inputs, labels } of data.batches(1)) {
    const { shape, data: values } = inputs[graph.outputs[0]!.value]!;
    if (shape.length !== 2) {
      throw new CqError(`sensitivity: the first output must be [batch, classes], got [${shape.join(', ')}]`);
    }
    logits.push(values as Float32Array);
    correct = labels && correct !== undefined ? correct + Number(isHit(values as Float32Array, labels[0]!)) : undefined;
  }
  return { logits, ...(correct !== undefined && { accuracy: correct / logits.length }) };
}

interface MeasureOptions {
  /** The first so many. */
  readonly examples: number;
  /** A quantized value whose own error is wanted. */
  readonly watched?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a part of a model on what was captured for it, one example at a time. */
export async function measureLoss(
  part: Graph,
  data: Captured,
  { logits }: Reference,
  { examples, watched, signal }: MeasureOptions,
): Promise<Loss> {
  const model = executor(part);
  const nearness = agreementCounter();
  const noise = signalAndNoise();
  const given = (name: string): boolean => part.inputs.some((input) => input.name === name);
  const pair = watched === undefined ? [] : [watched, fakeQuantizeOf(part, watched)!.name];
  const constant = watched !== undefined && part.weights.has(watched);
  const taps = [part.outputs[0]!.value, ...pair.filter((name) => !given(name) && !part.weights.has(name))];
  let [done, correct] = [0, 0 as number | undefined];
  try {
    for await (const { inputs, labels } of data.batches(1, [...logits.keys()].slice(0, examples))) {
      signal?.throwIfAborted();
      const tensors = model.run(inputs, constant && done > 0 ? taps.slice(0, 1) : taps);
      const arrays = new Map(tensors.map((tensor, i) => [taps[i]!, tensor.dataSync<'float32'>()]));
      for (const tensor of tensors) tensor.dispose();
      const output = arrays.get(taps[0]!)!;
      nearness.add(logits[done]!, output);
      if (arrays.size > 1) {
        const exact = arrays.get(watched!) ?? part.weights.get(watched!)?.data ?? inputs[watched!]!.data;
        noise.add(exact, arrays.get(pair[1]!)!);
      }
      correct = labels && correct !== undefined ? correct + Number(isHit(output, labels[0]!)) : undefined;
      done++;
      await nextTask();
    }
  } finally {
    model.dispose();
  }
  return {
    ...{ examples: done, ...nearness.result() },
    ...(correct !== undefined && { accuracy: correct / done }),
    ...(watched !== undefined && { sqnr: noise.decibels() }),
  };
}

/** Lets timers and signals run: the kernels block the event loop. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
