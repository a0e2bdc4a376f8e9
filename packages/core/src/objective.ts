import { loadGraphModelSync } from '@tensorflow/tfjs-converter';
import { io, reshape, tensor, tidy, valueAndGrads, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import { toArtifacts } from './to-artifacts.ts';
import type { Batch } from './dataset.ts';
import { decompose } from './decompose.ts';
import { differentiable } from './differentiable.ts';
import { CqError } from './errors.ts';
import { registerAnnotations } from './fake-quantize.ts';
import { fused } from './fused.ts';
import type { Graph } from './graph.ts';
import type { Random } from './random.ts';

type Tensors = Readonly<Record<string, Tensor>>;

/** What a loss may look at. */
export interface LossInputs {
  /** The named values of the graph. */
  readonly values: Tensors;
  /** All inputs of the data, those too that are none of the graph's, such as targets. */
  readonly batch: Tensors;
  readonly labels?: readonly number[];
  /** The parameters as they are. */
  readonly parameters: Tensors;
  /** 0 … steps − 1; undefined on held-back data. */
  readonly step?: number;
}

/** What may change what the graph reads in one training step. */
export interface FeedInputs {
  readonly batch: Tensors;
  readonly step: number;
  readonly steps: number;
  /** The step's own. */
  readonly random: Random;
}

/** What is computed of a batch, and what is made of it. */
export interface ObjectiveOptions {
  /** Values of the graph that the loss looks at. */
  readonly values: readonly string[];
  /** The mean loss of the examples of a batch. */
  loss(inputs: LossInputs): Tensor;
  /**
   * Inputs and constants of the graph to be replaced in a training step: a dropout mask, a quantizer's share, a mixture of
   * two inputs. Held-back data see the graph as it is.
   */
  feeds?(inputs: FeedInputs): Tensors;
}

/** A loss as a function of a graph's weights, on TensorFlow.js's current backend. */
export interface Objective {
  loss(parameters: Parameters, batch: Batch): Promise<number>;
  /** The loss, and its gradient by every parameter. */
  gradients(parameters: Parameters, batch: Batch, training: Omit<FeedInputs, 'batch'>): Promise<Gradients>;
  dispose(): void;
}

/** Name of a weight → its values. */
export type Parameters = ReadonlyMap<string, Float32Array>;

export interface Gradients {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/**
 * Loads the graph once; parameters are fed in place of the constants of their names, so that gradients flow to them,
 * through masks and quantizers too.
 */
export function objective(graph: Graph, { values, loss, feeds }: ObjectiveOptions): Objective {
  registerAnnotations();
  const model = loadGraphModelSync(io.fromMemorySync(toArtifacts(differentiable(decompose(fused(graph))))));

  const evaluate = (parameters: Tensors, { inputs, labels }: Batch, training?: Omit<FeedInputs, 'batch'>): Scalar => {
    const batch = tensorsOf(inputs);
    const own = Object.fromEntries(
      graph.inputs.map(({ name }) => [name, batch[name] ?? missing(name, Object.keys(inputs))]),
    );
    const replaced = training && feeds ? feeds({ batch, ...training }) : {};
    const results = model.execute({ ...own, ...parameters, ...replaced }, [...values]);
    const list = Array.isArray(results) ? results : [results];
    const taken = Object.fromEntries(values.map((name, i) => [name, list[i]!]));
    const mean = loss({
      ...{ values: taken, batch, parameters },
      ...(labels && { labels }),
      ...(training && { step: training.step }),
    });
    return reshape(mean, []);
  };

  return {
    async loss(parameters, batch) {
      const result = tidy(() => evaluate(weightsOf(graph, parameters), batch));
      const [value] = await result.data();
      result.dispose();
      return value!;
    },
    async gradients(parameters, batch, training) {
      const names = [...parameters.keys()];
      const { value, grads } = tidy(() => {
        const given = Object.values(weightsOf(graph, parameters));
        const named = (tensors: readonly Tensor[]): Tensors =>
          Object.fromEntries(names.map((n, i) => [n, tensors[i]!]));
        return valueAndGrads((...tensors) => evaluate(named(tensors), batch, training))(given);
      });
      const gradients = new Map<string, Float32Array>();
      for (const [i, name] of names.entries()) gradients.set(name, (await grads[i]!.data()) as Float32Array);
      const [result] = await value.data();
      for (const tensor of [value, ...grads]) tensor.dispose();
      return { loss: result!, gradients };
    },
    dispose: () => model.dispose(),
  };
}

const weightsOf = (graph: Graph, parameters: Parameters): Tensors =>
  Object.fromEntries(
    [...parameters].map(([name, data]) => [name, tensor(data, [...graph.weights.get(name)!.shape], 'float32')]),
  );

const tensorsOf = (inputs: Batch['inputs']): Tensors =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape, dtype }]) => [name, tensor(data, [...shape], dtype)]),
  );

function missing(input: string, given: readonly string[]): never {
  throw new CqError(`fit: the data lack input "${input}"; they have ${given.join(', ')}`);
}
