import * as tf from '@tensorflow/tfjs-core';

export const backendNames = ['wasm', 'cpu'] as const;

/** `wasm`: the fast kernels. `cpu`: the reference kernels in plain TypeScript, which define what is right. */
export type BackendName = (typeof backendNames)[number];

/**
 * Makes TensorFlow.js run on a backend. Backends are imported only here: `bench` needs a process without ours.
 */
export async function useBackend(name: BackendName): Promise<void> {
  tf.enableProdMode(); // Its banner about Node and its warnings are not for users of a command.
  if (name === 'wasm') await import('@cq/backend-wasm');
  else await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend(name);
  await tf.ready();
}
