import '@tensorflow/tfjs-backend-wasm';
import { registerLoweredOps } from '@cq/core/runtime';
import { registerWasmKernels } from './register.ts';

export { setThreads } from './threads/threads.ts';
export { kernelVariant, type KernelVariant } from './variant.ts';
export { registerWasmKernels };

// Importing this package is what teaches TensorFlow.js to run @cq models on its `wasm` backend.
registerLoweredOps();
registerWasmKernels();
