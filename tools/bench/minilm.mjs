/** MiniLM-L6 on 64 tokens, batch 1: stock TensorFlow.js and ours, and where the time of stock and W8A8 goes. */
import { join } from 'node:path';
import { startContestant } from '../../packages/cli/dist/bench-process.js';
import { profile } from './kernels.mjs';
import { compressed, shared, storage } from './models.mjs';
import { sentences } from './questions.mjs';
import { race } from './rounds.mjs';

/** Sentences on which both must agree. */
const QUESTIONS = 16;

/** @returns `{ rows, profiles: { stock, int8 } }` */
export async function miniLmTable({ rounds, seconds, say }) {
  const source = join(shared, 'models/minilm-l6-sst2');
  const models = await compressed('minilm', source, join(shared, 'data/sst2/train.csv'), ['int8', 'w4a8'], say);
  const entries = [
    { id: 'stock', name: 'TensorFlow.js wasm, f32', model: models.float, kernels: 'stock' },
    { id: 'int8', name: '@cq, W8A8', model: models.int8, kernels: 'integer' },
    { id: 'w4a8', name: '@cq, W4A8', model: models.w4a8, kernels: 'integer' },
  ].filter(({ id, model }) => id !== 'w4a8' || storage(model).bits < 8);
  const contestants = entries.map(({ id, name, model, kernels }) => ({
    ...{ id, name, weightBytes: storage(model).bytes },
    start: (signal) => startContestant(name, { model, kernels, threads: 1, batch: 1, seed: 1 }, signal),
  }));
  const rows = await race(contestants, { rounds, seconds, questions: await sentences(source, QUESTIONS), say });
  const profiles = {};
  for (const { id, model } of entries.slice(0, 2)) {
    say(`MiniLM, where the time goes: ${id}`);
    profiles[id] = await profile(model, 4);
  }
  return { rows, profiles };
}
