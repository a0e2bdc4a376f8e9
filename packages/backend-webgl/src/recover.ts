import { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import { registerBackend, removeBackend, setBackend } from '@tensorflow/tfjs-core';

/** As TensorFlow.js registers it. */
const PRIORITY = 2;

/**
 * A new graphics context after the browser has taken the old one away, which it may do at any time. Everything on the `webgl`
 * backend is lost: models have to be loaded again.
 */
export async function recoverWebgl(): Promise<void> {
  removeBackend('webgl');
  registerBackend('webgl', () => new MathBackendWebGL(), PRIORITY);
  await setBackend('webgl');
}
