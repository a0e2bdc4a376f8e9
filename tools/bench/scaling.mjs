/** ViTs of the sizes of DeiT-Tiny, -Small and -Base with random weights: time and memory, stock TensorFlow.js and W8A8. */
import { startContestant } from '../../packages/cli/dist/bench-process.js';
import { randomVit } from './models.mjs';
import { noise } from './questions.mjs';
import { race } from './rounds.mjs';

const sizes = [
  { size: 'Tiny', width: 192, heads: 3 },
  { size: 'Small', width: 384, heads: 6 },
  { size: 'Base', width: 768, heads: 12 },
];
const LAYERS = 12;

/** @returns `[{ size, batch, stock, int8 }]`, both rows of a race. */
export async function scalingTable({ rounds, seconds, say }) {
  const table = [];
  for (const { size, width, heads } of sizes) {
    const models = await randomVit(`vit-${size.toLowerCase()}`, { width, heads, layers: LAYERS, bits: [8] }, say);
    for (const batch of [1, 8]) {
      const contestants = [
        { id: 'stock', name: `${size}, batch ${batch}, TensorFlow.js wasm f32`, model: models.float, kernels: 'stock' },
        { id: 'int8', name: `${size}, batch ${batch}, @cq W8A8`, model: models.w8a8, kernels: 'integer' },
      ].map(({ id, name, model, kernels }) => ({
        ...{ id, name },
        start: (signal) => startContestant(name, { model, kernels, threads: 1, batch, seed: 1 }, signal),
      }));
      const questions = batch === 1 ? noise(1) : [];
      const [stock, int8] = await race(contestants, { rounds, seconds, questions, say });
      table.push({ size, batch, stock, int8 });
    }
  }
  return table;
}
