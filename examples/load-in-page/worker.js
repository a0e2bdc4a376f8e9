/* global self */
import { setThreads } from '@cq/backend-wasm';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { setBackend, tensor } from '@tensorflow/tfjs-core';
import { loadCached } from './load-cached.js';

/** Loads the model at once and tells how far it is; then answers every picture, Float32Array, with logits. */
setWasmPaths('https://cdn.jsdelivr.net/npm/@tensorflow/tfjs-backend-wasm@4.22.0/dist/');
const ready = (async () => {
  await setBackend('wasm');
  const threads = await setThreads(2);
  const { model } = await loadCached('/model/model.json', 'digits-int8', (share) => self.postMessage({ share }));
  self.postMessage({ share: 1, threads });
  return model;
})();

self.onmessage = async ({ data }) => {
  const model = await ready;
  const [{ name, shape }] = model.inputs;
  const pixels = tensor(
    data,
    shape.map((length) => Math.max(length, 1)),
  );
  const output = model.predict({ [name]: pixels });
  const logits = await output.data();
  pixels.dispose();
  output.dispose();
  self.postMessage({ logits });
};
