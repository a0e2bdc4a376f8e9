/* global window, fetch, crossOriginIsolated */
/** In a page of its own: one runtime, one model, driven by pages.mjs through `window.bench`. */
import { timed } from '/repository/packages/cli/dist/bench-runtime.js';

const loaders = {
  async tfjs({ url, kernels, threads }) {
    const { setThreadsCount, setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(TFJS_WASM);
    setThreadsCount(threads);
    const { tfjsModel } = await import('/repository/packages/cli/dist/bench-tfjs.js');
    return tfjsModel(`${url}/model.json`, kernels, threads);
  },
  async ort({ url, threads }) {
    const { ortModel } = await import('/repository/packages/cli/dist/bench-ort.js');
    return ortModel(await import('onnxruntime-web'), await bytesAt(url), threads);
  },
  async litert({ url, threads }) {
    const { litertModel } = await import('./litert.js');
    return litertModel(await bytesAt(url), threads);
  },
};

const TFJS_WASM = '/repository/packages/cli/node_modules/@tensorflow/tfjs-backend-wasm/dist/';

async function bytesAt(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

let model;

window.bench = {
  async load(job) {
    if (job.threads > 1 && !crossOriginIsolated) throw new Error('the page must be cross-origin isolated for threads');
    model = await timed(await loaders[job.loader](job), job.batch, job.seed);
    const { runtime, threads, simd, kernels } = model;
    return { runtime, threads, simd, kernels };
  },
  run: () => model.run(),
  /** Arrays of numbers instead of typed ones, which do not travel. */
  async infer(feeds) {
    const typed = Object.entries(feeds).map(([name, { dtype, shape, data }]) => {
      const array = dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
      return [name, { dtype, shape, data: array }];
    });
    return [...(await model.infer(Object.fromEntries(typed)))];
  },
};
