import { CqError, decodeCodes, didYouMean, type ArrayTensor } from '@cq/core';
import { loadGraphModel, type GraphModel } from '@tensorflow/tfjs-converter';
import { io, ready, tensor, type Tensor } from '@tensorflow/tfjs-core';
import type { Classifier, ClassifierOptions } from './classifier.ts';
import type { Platform } from './platform.ts';
import { ranked } from './ranked.ts';

/** What a model says of itself. */
export type Metadata = Readonly<Record<string, unknown>>;

/** Inputs of a model by name, for one example. */
type Inputs = Readonly<Record<string, ArrayTensor>>;

/**
 * Loads a model and makes it a function.
 * @param prepare given the model and its metadata, how what is classified becomes its inputs
 */
export async function loadClassifier<I>(
  folder: string,
  options: ClassifierOptions,
  { handler }: Pick<Platform<unknown>, 'handler'>,
  prepare: (model: GraphModel, metadata: Metadata) => Promise<(input: I) => Promise<Inputs>>,
): Promise<Classifier<I>> {
  const { top = 5, onProgress } = checked(options);
  await ready();
  const source = handler(folder);
  const stored = typeof source === 'string' ? io.http(source, { ...(onProgress && { onProgress }) }) : source;
  const model = await loadGraphModel({ load: async () => decodeCodes(await stored.load!(), folder) });
  try {
    const metadata = (model.metadata as { cq?: Metadata } | undefined)?.cq ?? {};
    const labels = labelsOf(metadata);
    const inputsOf = await prepare(model, metadata);
    const classify = async (input: I) => ranked(await logitsOf(model, await inputsOf(input)), labels, top);
    onProgress?.(1);
    return Object.assign(classify, { labels, model, dispose: () => model.dispose() });
  } catch (error) {
    model.dispose();
    throw error;
  }
}

const known = ['top', 'onProgress'];

function checked(options: ClassifierOptions): ClassifierOptions {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown)
    throw new CqError(
      `classifier: unknown option "${unknown}"${didYouMean(unknown, known) || `; it takes ${known.join(', ')}`}`,
    );
  const { top } = options;
  if (top !== undefined && !(Number.isInteger(top) && top >= 1)) {
    throw new CqError(`classifier: "top" must be a whole number from 1, got ${top}`);
  }
  return options;
}

function labelsOf({ labels }: Metadata): readonly string[] {
  return Array.isArray(labels) ? labels.map(String) : [];
}

/** The first output, which is that of the classes. */
async function logitsOf(model: GraphModel, inputs: Inputs): Promise<Float32Array> {
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape, dtype }]) => [name, tensor(data, [...shape], dtype)]),
  );
  let outputs: readonly Tensor[] = [];
  try {
    outputs = [model.predict(tensors) as Tensor | Tensor[]].flat();
    return (await outputs[0]!.data()) as Float32Array;
  } finally {
    for (const made of [...Object.values(tensors), ...outputs]) made.dispose();
  }
}
