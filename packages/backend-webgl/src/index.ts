import '@tensorflow/tfjs-backend-webgl';
import { registerLoweredOps } from '@cq/core/runtime';
import { registerWebglKernels } from './register.ts';

export { recoverWebgl } from './recover.ts';
export { selfCheck } from './self-check.ts';
export { webglMemory, type WebglMemory } from './memory.ts';
export { registerWebglKernels };

// Importing this package is what teaches TensorFlow.js to run @cq models on its `webgl` backend.
registerLoweredOps();
registerWebglKernels();
