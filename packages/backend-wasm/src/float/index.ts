import '@tensorflow/tfjs-backend-wasm';
import { registerFloatKernels } from './register.ts';

export { setThreads } from '../threads/threads.ts';
export { registerFloatKernels };

// Importing `@cq/backend-wasm/register` is what makes float models fast, and trainable, on TensorFlow.js's `wasm` backend.
registerFloatKernels();
