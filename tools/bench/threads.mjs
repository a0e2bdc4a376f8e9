/**
 * More threads against one, DeiT-Tiny at batch 1: `node tools/bench/threads.mjs [--browser] [--threads 2] [--rounds 60]`, after
 * `npm run build`. Each number of threads has a process or page of its own, in turns. In Node threads share a memory of ours,
 * in a page, which is cross-origin isolated, that of TensorFlow.js's threaded build.
 *
 * Threads are compared by their best times too: on a machine with other work to do a second thread often gets no core.
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { startContestant } from '../../packages/cli/dist/bench-process.js';
import { machine } from '../../packages/cli/dist/machine.js';
import { deitModels } from './deit.mjs';
import { startPages } from './pages.mjs';
import { race } from './rounds.mjs';

const { values } = parseArgs({
  options: {
    browser: { type: 'boolean', default: false },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '60' },
  },
});
const say = (text) => console.error(text);

const models = await deitModels(say);
const pages = values.browser ? await startPages(true) : undefined;
const start = pages?.start ?? startContestant;
const contestants = ['int8', 'w4a8'].flatMap((recipe) =>
  [1, Number(values.threads)].map((threads) => ({
    name: `${recipe}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    start: (signal) => start(recipe, { model: models[recipe], kernels: 'integer', threads, batch: 1, seed: 1 }, signal),
  })),
);
const before = loadavg()[0];
const rows = await race(contestants, {
  rounds: Number(values.rounds),
  seconds: 120,
  questions: [],
  say: () => undefined,
});
await pages?.close();

const line = (first, ...rest) => [first.padEnd(20), ...rest.map((text) => text.padStart(10))].join('');
console.log(line('milliseconds', 'threads', 'min', 'median', 'by min', 'by median'));
for (const [i, { name, error, threads, milliseconds }] of rows.entries()) {
  if (error) {
    console.log(line(name, error));
    continue;
  }
  const { min, median } = milliseconds;
  const one = rows[i - (i % 2)].milliseconds;
  const ratios = [one.min / min, one.median / median].map((ratio) => `${ratio.toFixed(2)}×`);
  console.log(line(name, String(threads), min.toFixed(1), median.toFixed(1), ...ratios));
}
const engine = pages?.version ?? `Node ${process.versions.node}`;
const memory = pages ? 'TensorFlow.js’s memory, shared' : 'a shared memory of ours';
console.log(`${engine}, ${machine().cpu}, ${availableParallelism()} cores, load ${before.toFixed(1)}; ${memory}`);
