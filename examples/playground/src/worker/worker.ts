import '@cq/backend-wasm';
import '@cq/backend-wasm/register';
import '@cq/backend-webgl';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import wasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import { env } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import type { Request, Response } from '../protocol.ts';
import { commands } from './commands.ts';

// The kernels of @cq need SIMD anyway, and pages that are not cross-origin isolated have no threads.
env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
env().set('SOFTWARE_WEBGL_ENABLED', true);
setWasmPaths({
  'tfjs-backend-wasm.wasm': wasm,
  'tfjs-backend-wasm-simd.wasm': wasm,
  'tfjs-backend-wasm-threaded-simd.wasm': wasm,
});

let current = 0;
const send = (response: Response): void => self.postMessage(response);
const offered = commands((progress) => send({ id: current, progress }));

/** One command after another: they share the model and TensorFlow.js's current backend. */
let queue: Promise<unknown> = Promise.resolve();
self.onmessage = ({ data: { id, command, parameters } }: MessageEvent<Request>) => {
  queue = queue.then(async () => {
    current = id;
    try {
      const run = offered[command].bind(offered) as (...given: readonly unknown[]) => Promise<unknown>;
      send({ id, result: await run(...parameters) });
    } catch (error) {
      send({ id, error: (error as Error).message });
    }
  });
};
