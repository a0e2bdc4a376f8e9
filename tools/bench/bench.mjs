/**
 * `npm run -s bench -- [TABLE…] [--browser] [--threads N] [--rounds R] [--write]`
 *
 * A table is deit (the default), profile, kernels, scaling, training or minilm. `--browser` takes deit in pages of a headless Chromium, where
 * LiteRT.js runs too. `--write` takes all tables, deit in Node and in pages, on one thread and on two, and writes
 * docs/benchmarks.md. Tables go to stdout, progress to stderr, all figures to out/bench/results.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { machine } from '../../packages/cli/dist/machine.js';
import { bars } from './bars.mjs';
import { deitModels, deitTable } from './deit.mjs';
import { kernelTable, profile } from './kernels.mjs';
import { miniLmTable } from './minilm.mjs';
import { withoutPaths } from './models.mjs';
import { chromiumPath } from './pages.mjs';
import { document } from './report.mjs';
import { scalingTable } from './scaling.mjs';
import { trainingTable } from './training.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const start = performance.now();
const say = (text) => console.error(`${((performance.now() - start) / 1000).toFixed(0).padStart(4)} s  ${text}`);

const tables = {
  deit: async ({ browser, threads, rounds, write }) => {
    const found = [];
    for (const run of write ? everyRun() : [{ browser, threads }]) {
      say(`DeiT-Tiny in ${run.browser ? 'Chromium' : 'Node'}, threads: ${run.threads}`);
      found.push(await orError(() => deitTable({ ...run, rounds, seconds: 45, say })));
    }
    return found;
  },
  profile: async () => {
    const { int8 } = await deitModels(say);
    say('DeiT-Tiny, where the time goes');
    return profile(int8, 6);
  },
  kernels: () => kernelTable({ seconds: 3, say }),
  scaling: ({ rounds }) => scalingTable({ rounds, seconds: 8, say }),
  training: () => trainingTable({ seconds: 5, say }),
  minilm: ({ rounds }) => miniLmTable({ rounds, seconds: 10, say }),
};

const options = readOptions();
const results = {
  date: new Date().toISOString().slice(0, 10),
  command: `npm run -s bench -- ${process.argv.slice(2).join(' ')}`.trim(),
  machine: { ...machine(), memory: Math.round(totalmem() / 2 ** 30) },
};
for (const name of options.tables) results[name] = await orError(() => tables[name](options));
results.bars = bars(results);

mkdirSync(`${root}out/bench`, { recursive: true });
writeFileSync(`${root}out/bench/results.json`, JSON.stringify(results, undefined, 2));
const page = `${root}docs/benchmarks.md`;
const text = await format(document(results), { ...(await resolveConfig(page)), filepath: page });
console.log(text);
if (options.write) {
  mkdirSync(`${root}docs`, { recursive: true });
  writeFileSync(page, text);
  say('docs/benchmarks.md is written');
}

/** What `--write` takes of deit. */
function everyRun() {
  const places = chromiumPath() ? [false, true] : [false];
  if (places.length === 1) say('no Chromium is installed: pages, and LiteRT.js with them, are left out');
  return [1, 2].flatMap((threads) => places.map((browser) => ({ browser, threads })));
}

/** One table that fails leaves the others. */
async function orError(work) {
  try {
    return await work();
  } catch (error) {
    say(error.stack);
    return { error: withoutPaths(error.message) };
  }
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      browser: { type: 'boolean', default: false },
      threads: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '20' },
      write: { type: 'boolean', default: false },
    },
  });
  const { browser, write } = values;
  const unknown = positionals.find((name) => !(name in tables));
  if (unknown !== undefined) fail(`a table must be ${Object.keys(tables).join(', ')}, got "${unknown}"`);
  const chosen = write ? Object.keys(tables) : positionals.length > 0 ? positionals : ['deit'];
  return { browser, write, threads: count('threads'), rounds: count('rounds'), tables: chosen };

  function count(name) {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) fail(`--${name} must be a whole number from 1, got "${values[name]}"`);
    return value;
  }
}

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
