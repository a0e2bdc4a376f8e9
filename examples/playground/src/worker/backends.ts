import { recoverWebgl } from '@cq/backend-webgl';
import { CqError, raise, type Graph } from '@cq/core';
import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import { backend, ready, setBackend } from '@tensorflow/tfjs-core';
import type { BackendName } from '../protocol.ts';

/** Makes this TensorFlow.js's current backend. @throws CqError where the browser does not offer it. */
export async function useBackend(name: BackendName): Promise<void> {
  if (name === 'webgpu') {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) throw new CqError('WebGPU: this browser has no adapter for it');
    await import('@tensorflow/tfjs-backend-webgpu');
  }
  if (!(await setBackend(name))) throw new CqError(`${name}: this browser does not offer it`);
  await ready();
  // A browser may take a graphics context away at any time.
  if (name === 'webgl' && (backend() as MathBackendWebGL).gpgpu.gl.isContextLost()) await recoverWebgl();
}

/** A model as this backend can run it: without integer kernels, as the floats that its codes stand for. */
export const runnableOn = (backend: BackendName, graph: Graph): Graph => (backend === 'webgpu' ? raise(graph) : graph);
