/** DeiT-Tiny, batch 1, on every runtime: the whole model, from an array of pixels to an array of logits. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startContestant } from '../../packages/cli/dist/bench-process.js';
import { widest } from '../../packages/cli/dist/bench-simd.js';
import { compressed, shared, storage } from './models.mjs';
import { startPages } from './pages.mjs';
import { photos } from './questions.mjs';
import { race } from './rounds.mjs';

/** Photos on which the runtimes must agree. */
const QUESTIONS = 4;

/** What takes part, in the order of the rows. `id` is what the bars know it by; some only show how one thread fares. */
const entries = [
  { id: 'stock', name: 'TensorFlow.js wasm, f32', variant: 'float', kernels: 'stock' },
  { id: 'float', name: '@cq, f32', variant: 'float', kernels: 'float', oneThread: true },
  { id: 'int8', name: '@cq, W8A8', variant: 'int8', kernels: 'integer' },
  { id: 'w4a8', name: '@cq, W4A8', variant: 'w4a8', kernels: 'integer' },
  { id: 'int8-dynamic', name: '@cq, W8A8 dynamic', variant: 'int8-dynamic', kernels: 'both', oneThread: true },
  { id: 'w4', name: '@cq, 4-bit weights, f32', variant: 'w4', kernels: 'both', oneThread: true },
  { id: 'ort', name: 'onnxruntime-web, f32', peer: 'deit-tiny.fp32.onnx' },
  { id: 'ort', name: 'onnxruntime-web, dynamic int8', peer: 'deit-tiny.dynamic-int8.onnx' },
  { id: 'ort', name: 'onnxruntime-web, static int8', peer: 'deit-tiny.static-int8.onnx' },
  { id: 'litert', name: 'LiteRT.js, f32', peer: 'deit-tiny.fp32.tflite', pageOnly: true },
  { id: 'litert', name: 'LiteRT.js, dynamic int8', peer: 'deit-tiny.dynamic-int8.tflite', pageOnly: true },
  { id: 'litert', name: 'LiteRT.js, dynamic 4-bit', peer: 'deit-tiny.dynamic-int4.tflite', pageOnly: true },
];

const recipes = ['int8', 'w4a8', 'int8-dynamic', 'w4'];

/** With more than one thread, ours at one thread comes along: how much the second one helps. */
const single = { id: 'int8-single', name: '@cq, W8A8, one thread', variant: 'int8', kernels: 'integer', threads: 1 };

const source = join(shared, 'models/deit-tiny-patch16-224');

/** Folders by variant. */
export const deitModels = (say) =>
  compressed('deit-tiny', source, join(shared, 'data/imagenet-calibration-1000'), recipes, say);

/** @returns `{ title, engine, rows }` */
export async function deitTable({ browser, threads, rounds, seconds, say }) {
  const models = await deitModels(say);
  const pages = browser ? await startPages(threads > 1) : undefined;
  const start = pages?.start ?? startContestant;
  const present = [...entries, ...(threads > 1 ? [single] : [])]
    .map((entry) => ({ ...entry, model: entry.peer ? join(shared, 'peers', entry.peer) : models[entry.variant] }))
    .filter(({ pageOnly, oneThread }) => (browser || !pageOnly) && (threads === 1 || !oneThread))
    .filter(({ id, model }) => model && existsSync(model) && isItself(id, model));
  try {
    const contestants = present.map(({ id, name, model, kernels, threads: own }) => ({
      ...{ id, name, weightBytes: bytesOf(model) },
      start: (signal) => start(name, { model, kernels, threads: own ?? threads, batch: 1, seed: 1 }, signal),
    }));
    const rows = await race(contestants, { rounds, seconds, questions: await photos(source, QUESTIONS), say });
    const engine = pages?.version ?? `Node ${process.versions.node}`;
    const simd = widest(rows.flatMap((row) => row.simd ?? []));
    const title = `DeiT-Tiny, batch 1, ${engine}, ${threads === 1 ? 'one thread' : `${threads} threads`}`;
    return { title, browser, threads, engine, simd, rows };
  } finally {
    await pages?.close();
  }
}

const bytesOf = (model) => (existsSync(join(model, 'model.json')) ? storage(model).bytes : statSync(model).size);

/** Without kernels for 4-bit weights, W4A8 would be W8A8 once more. */
const isItself = (id, model) => !['w4a8', 'w4'].includes(id) || storage(model).bits < 8;
