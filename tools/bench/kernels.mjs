/**
 * Speed of the kernels of @cq/backend-wasm on one thread, as they run in one block of a ViT with random weights:
 * `node tools/bench/kernels.mjs [SECONDS per model]`, after `npm run build`. Best of all runs, as other work on the machine
 * only ever adds time; the median says how much of it there was.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { randomVit, storage } from './models.mjs';

/** Blocks as wide as DeiT-Tiny's and as DeiT-Base's. */
const widths = [
  { width: 192, heads: 3 },
  { width: 768, heads: 12 },
];

/** The profile of a model, taken in a process of its own. */
export async function profile(model, seconds) {
  const script = fileURLToPath(new URL('profile.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, model, String(seconds)], {
    timeout: 120_000,
  });
  return JSON.parse(stdout);
}

/** Every lowered op of blocks with 8-bit weights, and with 4-bit ones where there are kernels for them. */
export async function kernelTable({ seconds, say }) {
  const peaks = {};
  const rows = [];
  for (const { width, heads } of widths) {
    const { w8a8, w4a8 } = await randomVit(`block-${width}`, { width, heads, layers: 1, bits: [8, 4] }, say);
    for (const model of [w8a8, ...(storage(w4a8).bits < 8 ? [w4a8] : [])]) {
      say(`kernels of ${width} channels`);
      const found = await profile(model, seconds);
      for (const [name, rate] of Object.entries(found.peaks)) peaks[name] = Math.max(peaks[name] ?? 0, rate);
      for (const row of found.rows) if (row.kernel.startsWith('Cq') && isNew(rows, row)) rows.push(row);
    }
  }
  const order = (row) => [...new Set(rows.map(({ kernel }) => kernel))].indexOf(row.kernel);
  rows.sort((a, b) => order(a) - order(b) || (a.multiplications ?? a.elements) - (b.multiplications ?? b.elements));
  say('linear layers with tiles of zeros');
  const [, ...sparse] = await tilesOfZeros(seconds);
  return { peaks, rows: [...rows, ...sparse].map(rated) };
}

/** A linear layer as it is, and with half and three quarters of its tiles zero, as rows. */
async function tilesOfZeros(seconds) {
  const script = fileURLToPath(new URL('block-sparse.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, String(seconds)], { timeout: 120_000 });
  const [dense, ...rest] = JSON.parse(stdout).rows;
  return [dense, ...rest.map((row) => ({ ...row, gain: dense.best / row.best }))];
}

const isNew = (rows, { kernel, shape, weightBits = 8 }) =>
  !rows.some((row) => row.kernel === kernel && row.shape === shape && (row.weightBits ?? 8) === weightBits);

/** Multiplications, or elements, by nanosecond. */
const rated = (row) => ({ ...row, rate: (row.multiplications ?? row.elements) / row.best / 1e6 });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { kernelLines } = await import('./report.mjs');
  const table = await kernelTable({ seconds: Number(process.argv[2] ?? 2), say: (text) => console.error(text) });
  for (const line of kernelLines(table)) console.log(line);
}
