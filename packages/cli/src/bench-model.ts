import { CqError, pack, registerAnnotations, type Graph, type Input } from '@cq/core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { loadModel } from './load-model.ts';

/** What computes a model in `bench`. A float model gets TensorFlow.js as it comes, without our kernels. */
export type Runtime = 'tfjs-wasm' | '@cq/backend-wasm';

export interface BenchModel {
  readonly runtime: Runtime;
  /** How often each kernel ran in one inference. */
  readonly kernels: Readonly<Record<string, number>>;
  /** One inference, its outputs read: how long it took in milliseconds. */
  run(): number;
}

/**
 * A model ready to be timed on random input, warmed up. Loads one runtime into the process, which must have no other:
 * a backend of ours may also replace kernels of TensorFlow.js.
 */
export async function benchModel(folder: string, seed: number): Promise<BenchModel> {
  const graph = await loadModel(folder);
  const runtime = runtimeOf(graph);
  tf.enableProdMode();
  if (runtime === 'tfjs-wasm') {
    await import('@tensorflow/tfjs-backend-wasm');
  } else {
    await import('@cq/backend-wasm');
    registerAnnotations();
  }
  await tf.setBackend('wasm');
  await tf.ready();

  const model = await loadGraphModel(tf.io.fromMemory(pack(graph)));
  const feeds = Object.fromEntries(graph.inputs.map((input) => [input.name, randomInput(input, seed)]));
  const outputs = graph.outputs.map(({ name }) => name);
  const infer = (): void => {
    const results = [model.execute(feeds, outputs)].flat();
    for (const result of results) result.dataSync();
    tf.dispose(results);
  };
  const kernels = await kernelsOf(infer);
  for (let i = 0; i < WARM_UP; i++) infer();
  return {
    runtime,
    kernels,
    run() {
      const start = performance.now();
      infer();
      return performance.now() - start;
    },
  };
}

const WARM_UP = 2;

function runtimeOf({ nodes }: Graph): Runtime {
  return [...nodes.values()].some(({ op }) => op.startsWith('Cq')) ? '@cq/backend-wasm' : 'tfjs-wasm';
}

async function kernelsOf(infer: () => void): Promise<Record<string, number>> {
  const { kernels } = await tf.profile(infer as unknown as () => tf.TensorContainer);
  const counts: Record<string, number> = {};
  for (const { name } of kernels) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Tokens of a model that takes any number of them. */
const TOKENS = 64;

/** Batch 1; normal for floats, ones for integers, which may be indices. */
function randomInput({ name, dtype, shape }: Input, seed: number): tf.Tensor {
  const sizes = shape.slice(1).map((size) => (size < 0 && dtype === 'int32' ? TOKENS : size));
  if (sizes.some((size) => size < 0)) {
    throw new CqError(`bench: input "${name}" must have fixed sizes behind the batch, got [${shape.join(', ')}]`);
  }
  return dtype === 'float32' ? tf.randomNormal([1, ...sizes], 0, 1, 'float32', seed) : tf.ones([1, ...sizes], dtype);
}
