import '@tensorflow/tfjs-backend-wasm';
import { registerLoweredOps } from '@cq/core/runtime';
import { registerWasmKernels } from './register.ts';

export { registerWasmKernels };

// Importing this package is what teaches TensorFlow.js to run @cq models on its `wasm` backend.
registerLoweredOps();
registerWasmKernels();
