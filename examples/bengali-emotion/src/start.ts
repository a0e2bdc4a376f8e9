/**
 * The study: two students of a teacher that tells emotions in Bengali texts, ten orders of distilling, pruning and
 * quantizing, and what each costs and brings. `npm run -s bengali` runs it; what was finished before is not repeated.
 */
import '@cq/backend-wasm';
import '@cq/backend-wasm/register';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CqError } from '@cq/core';
import { setBackend } from '@tensorflow/tfjs-core';
import { full, quick } from './effort.ts';
import { sharedMaterials, trainedMaterials } from './materials.ts';
import { pareto } from './pareto.ts';
import { study } from './study.ts';
import { summary, table } from './table.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    texts: { type: 'string' },
    out: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const say = (line: string): void => console.log(line);
const effort = values.quick ? quick : full;
const seed = Number(values.seed);
const folder = resolve(values.out ?? join(root, 'out', values.quick ? 'bengali-quick' : 'bengali'));

try {
  await setBackend('wasm');
  const materials =
    values.texts === undefined
      ? await sharedMaterials(join(root, '../shared'))
      : await trainedMaterials(values.texts, effort, folder, seed);
  if (!materials)
    throw new CqError(
      'bengali: ../shared, with the Bengali teacher and its texts, is not there; give texts of your own, on which a small teacher is trained: --texts FILE.csv (text,label)',
    );
  say(`Teacher: ${materials.origin}.`);
  const found = await study(materials, effort, folder, seed, (line) => say(`  ${line}`));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'study.json'), JSON.stringify(found, undefined, 2));
  const distinct = [...new Map(found.rows.map((row) => [row.cell, row])).values()];
  const points = distinct.map(({ cell, ours, accuracy }) => ({ name: cell, x: ours.median, y: 100 * accuracy }));
  const axes = { x: 'median latency of a text in ms, one thread (log)', y: 'accuracy in %' };
  writeFileSync(join(folder, 'pareto.svg'), pareto(points, axes));
  say(`\n${table(found.rows)}\n\n${summary(found)}\n\nWritten to ${folder}: study.json, pareto.svg, models/.`);
} catch (error) {
  if (!(error instanceof CqError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
