import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import type { Feeds } from './bench-feeds.ts';
import type { LoadedModel } from './bench-runtime.ts';

/** TensorFlow.js's own kernels alone, with ours for lowered ops, with ours for floats, or with both. */
export type KernelSet = 'stock' | 'integer' | 'float' | 'both';

/**
 * A graph model on the `wasm` backend. A process or page can have one set of kernels: a backend of ours may also replace
 * kernels of TensorFlow.js.
 * @param threads Of our kernels for lowered ops. TensorFlow.js has what it was told of before: `setThreadsCount`.
 */
export async function tfjsModel(
  source: string | tf.io.IOHandler,
  kernels: KernelSet,
  threads: number,
): Promise<LoadedModel> {
  tf.enableProdMode();
  const own = kernels === 'integer' || kernels === 'both' ? await import('@cq/backend-wasm') : undefined;
  if (kernels === 'float' || kernels === 'both') await import('@cq/backend-wasm/register');
  const { getThreadsCount } = await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  await tf.ready();
  const started = await own?.setThreads(threads);
  const model = await loadGraphModel(source);

  const execute = (feeds: Feeds): tf.Tensor[] => {
    const tensors = Object.entries(feeds).map(
      ([name, { data, shape, dtype }]) => [name, tf.tensor(data, [...shape], dtype)] as const,
    );
    const outputs = [model.execute(Object.fromEntries(tensors))].flat();
    for (const [, tensor] of tensors) tensor.dispose();
    return outputs;
  };
  return {
    runtime: kernels === 'stock' ? 'tfjs-wasm' : '@cq/backend-wasm',
    threads: started ?? threadsOf(getThreadsCount),
    inputs: model.inputs.map(({ name, dtype, shape }) => ({
      name,
      dtype: dtype === 'int32' ? 'int32' : 'float32',
      shape: shape ?? [-1],
    })),
    async kernels(feeds) {
      const profile = await tf.profile((() => tf.dispose(execute(feeds))) as unknown as () => tf.TensorContainer);
      const counts: Record<string, number> = {};
      for (const { name } of profile.kernels) counts[name] = (counts[name] ?? 0) + 1;
      return counts;
    },
    async infer(feeds) {
      const outputs = execute(feeds);
      const values = outputs.map((output) => output.dataSync());
      tf.dispose(outputs);
      return Float32Array.from(values[0]!);
    },
  };
}

/** TensorFlow.js throws where its build has no threads. */
function threadsOf(count: () => number): number {
  try {
    return Math.max(1, count());
  } catch {
    return 1;
  }
}
