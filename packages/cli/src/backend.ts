import * as tf from '@tensorflow/tfjs-core';

export const backendNames = ['wasm', 'cpu'] as const;

/** `wasm`: the fast kernels. `cpu`: the reference kernels in plain TypeScript, which define what is right. */
export type BackendName = (typeof backendNames)[number];

/**
 * Makes TensorFlow.js run on a backend. Backends are imported only here: `bench` needs a process without ours.
 * @param threads Of the kernels for compressed models on `wasm`; `cpu` has one thread.
 */
export async function useBackend(name: BackendName, threads = 1): Promise<void> {
  tf.enableProdMode(); // Its banner about Node and its warnings are not for users of a command.
  if (name === 'cpu') {
    await import('@tensorflow/tfjs-backend-cpu');
    await tf.setBackend(name);
    return;
  }
  const [{ setThreads }] = await Promise.all([
    import('@cq/backend-wasm'),
    import('@cq/backend-wasm/register'),
    import('@tensorflow/tfjs-layers'), // Registers the gradients in Node, by which passes learn.
  ]);
  await tf.setBackend(name);
  await setThreads(threads);
}
