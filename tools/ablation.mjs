/**
 * `npm run -s ablation -- NAME [--samples N] [--held N] [--seed N]`
 *
 * NAME is a file in tools/ablation: a model, and rows of passes that differ in one thing each. Every row is calibrated on the same
 * examples and compared with the float model on others of the calibration data, never on validation data. The table goes
 * to stdout row by row, and into the README of the package, between the markers.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { useBackend } from '../packages/cli/dist/backend.js';
import { loadData } from '../packages/cli/dist/load-data.js';
import { machine } from '../packages/cli/dist/machine.js';
import { compress, executor, integerOnly, lower } from '../packages/core/dist/index.js';
import { agreementCounter } from '../packages/eval/dist/index.js';
import { importHuggingFace } from '../packages/import-hf/dist/index.js';
import { sample } from '../packages/data/dist/index.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const shared = process.env.CQ_SHARED ?? join(root, '../shared');
const start = performance.now();
const say = (text) => console.error(`${((performance.now() - start) / 1000).toFixed(0).padStart(4)} s  ${text}`);

const { name, samples, held, seed } = readOptions();
const { ablation } = await import(`./ablation/${name}.mjs`);
const {
  readme,
  model,
  data,
  columns,
  rows,
  published,
  measured = ['KL', 'same top class', 'integers only'],
  judged = 'Kullback–Leibler divergence from the float model and how often the top class is the same',
} = ablation;

await useBackend('wasm');
const folder = join(shared, model);
const float = await importHuggingFace(folder);
const pool = sample(await loadData(join(shared, data), float, folder), samples + held, seed);
const [calibration, others] = shares(pool, samples);
say(`${calibration.size} examples calibrate, ${others.size} others are judged on`);
const expected = await outputsOf(float, others);

const lines = [];
for (const { cells, passes, measure } of rows) {
  if (measure) {
    lines.push([...cells, ...(await measure({ float, calibration, others }))]);
    say(lines.at(-1).join(' · '));
    continue;
  }
  const { graph } = await compress(float, passes(), { calibration, seed });
  const lowered = lower(graph).graph;
  const counter = agreementCounter();
  (await outputsOf(lowered, others)).forEach((output, i) => counter.add(expected[i], output));
  const { kl, agreement } = counter.result();
  const integers = integerOnly(lowered) === true ? 'yes' : 'no';
  lines.push([...cells, kl.toFixed(4), `${(100 * agreement).toFixed(1)} %`, integers]);
  say(lines.at(-1).join(' · '));
}
const heads = [...columns, ...measured];
const table = [heads, heads.map(() => '---'), ...lines];
const text = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
console.log(text);
await writeTable(join(root, readme));

/** Examples in their order, so that both shares are spread over all classes. */
function shares(dataset, count) {
  const indices = Array.from({ length: dataset.size }, (_, i) => i);
  const turn = (i) => Math.floor((i * count) / dataset.size);
  const first = indices.filter((i) => turn(i + 1) > turn(i));
  return [first, indices.filter((i) => turn(i + 1) === turn(i))].map((chosen) => ({
    name: dataset.name,
    size: chosen.length,
    batches: (size, some = chosen.map((_, i) => i)) =>
      dataset.batches(
        size,
        some.map((i) => chosen[i]),
      ),
  }));
}

/** The first output of every example. */
async function outputsOf(graph, dataset) {
  const running = executor(graph);
  const outputs = [];
  for await (const { inputs } of dataset.batches(4)) {
    const [tensor, ...more] = running.run(inputs);
    const values = tensor.dataSync();
    const size = values.length / tensor.shape[0];
    for (let at = 0; at < values.length; at += size) outputs.push(values.slice(at, at + size));
    for (const each of [tensor, ...more]) each.dispose();
  }
  running.dispose();
  return outputs;
}

async function writeTable(file) {
  const { cpu, cores, node } = machine();
  const command = `npm run -s ablation -- ${[name, ...process.argv.slice(3)].join(' ')}`;
  const about =
    `Measured on ${new Date().toISOString().slice(0, 10)} with \`${command}\` (${cpu}, ${cores} cores, Node ${node}): ` +
    `${calibration.size} calibration images, seed ${seed}; ${judged}, on ${others.size} other images of the calibration set.`;
  const [before, rest] = readFileSync(file, 'utf8').split('<!-- ablation -->');
  const after = rest?.split('<!-- /ablation -->')[1];
  if (after === undefined) fail(`${readme} must have the markers <!-- ablation --> and <!-- /ablation -->`);
  const block = ['<!-- ablation -->', '', about, '', text, '', published, '', '<!-- /ablation -->'].join('\n');
  writeFileSync(file, await format(before + block + after, { ...(await resolveConfig(file)), filepath: file }));
  say(`${readme} is written`);
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      samples: { type: 'string', default: '48' },
      held: { type: 'string', default: '150' },
      seed: { type: 'string', default: '1' },
    },
  });
  const known = readdirSync(join(root, 'tools/ablation')).map((file) => file.replace(/\.mjs$/, ''));
  if (positionals.length !== 1 || !known.includes(positionals[0])) {
    fail(`the ablation must be ${known.join(' or ')}, got "${positionals.join(' ')}"`);
  }
  return { name: positionals[0], samples: count('samples'), held: count('held'), seed: count('seed') };

  function count(option) {
    const value = Number(values[option]);
    if (!Number.isInteger(value) || value < 1)
      fail(`--${option} must be a whole number from 1, got "${values[option]}"`);
    return value;
  }
}

function fail(message) {
  console.error(`ablation: ${message}`);
  process.exit(2);
}
