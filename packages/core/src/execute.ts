import { loadGraphModelSync, type GraphModel } from '@tensorflow/tfjs-converter';
import { io, tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { toArtifacts } from './to-artifacts.ts';
import type { ArrayTensor } from './dataset.ts';
import { decompose } from './decompose.ts';
import { CqError } from './errors.ts';
import { registerAnnotations } from './fake-quantize.ts';
import { fused } from './fused.ts';
import type { Graph, Input } from './graph.ts';
import { registerLoweredOps } from './runtime/register.ts';

/** A graph loaded into TensorFlow.js on its current backend. */
export interface Executor {
  /**
   * Runs the graph once and reads the named values (default: the model's outputs), as tensors that the caller disposes.
   * Any value of the graph may be asked for by its name.
   */
  run(inputs: Readonly<Record<string, ArrayTensor>>, values?: readonly string[]): Tensor[];
  dispose(): void;
}

/** Loads any graph, annotated or lowered; composites run as stock ops. */
export function executor(graph: Graph): Executor {
  registerAnnotations();
  registerLoweredOps();
  const artifacts = toArtifacts(decompose(fused(graph)));
  const model: GraphModel<io.IOHandlerSync> = ours(() => loadGraphModelSync(io.fromMemorySync(artifacts)));
  const outputs = graph.outputs.map(({ name }) => name);
  return {
    run: (inputs, values = outputs) =>
      tidy(() => {
        if (values.length === 0) return [];
        const feeds = Object.fromEntries(graph.inputs.map((input) => [input.name, feed(input, inputs)]));
        const results = ours(() => model.execute(feeds, [...values]));
        return [results].flat();
      }),
    dispose: () => model.dispose(),
  };
}

/** The result, or one error of ours in place of whatever TensorFlow.js throws at a graph that it cannot run. */
function ours<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (error instanceof CqError) throw error;
    const [reason] = String((error as Error).message ?? error).split('\n');
    throw new CqError(`execute: TensorFlow.js cannot run this graph: ${reason!.slice(0, 200)}`, { cause: error });
  }
}

/** The tensor for one input of the model. */
function feed({ name, dtype, shape }: Input, given: Readonly<Record<string, ArrayTensor>>): Tensor {
  const values = given[name];
  if (!values) throw new CqError(`execute: the data lack input "${name}"; they have ${Object.keys(given).join(', ')}`);
  if (values.shape.length !== shape.length || shape.some((size, i) => size >= 0 && size !== values.shape[i])) {
    throw new CqError(`execute: input "${name}" must be [${shape.join(', ')}], got [${values.shape.join(', ')}]`);
  }
  return tensor(values.data, [...values.shape], dtype);
}
