/**
 * The whole of @cq on one page: load a small ViT, compress it to int8, compare it with the float model on 2,000 digits
 * that neither training nor calibration has seen, and write the result. `npm start` runs this.
 */
import '@cq/backend-wasm';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compressedFiles, machine } from '@cq/cli';
import { compress, executor, int8, lower, type Dataset, type Executor, type Graph } from '@cq/core';
import { writeFolder } from '@cq/core/node';
import { evaluate, spread } from '@cq/eval';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import Table from 'cli-table3';
import { digits } from './digits.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const source = 'examples/classify-digits/model';
const folder = join(root, 'out', 'digits-int8');
const samples = 128;
const seed = 1;

const say = (line: string): void => console.log(line);

await setBackend('wasm');
const { training, evaluation } = digits();
const start = performance.now();

say(`\nCompressing ${source} to int8, ${samples} training digits to calibrate …`);
const model = await importHuggingFace(join(root, source));
const { graph, report } = await compress(model, int8(), { calibration: first(training, samples), seed });
const lowered = lower(graph);

say(`Evaluating both on ${evaluation.size.toLocaleString('en-US')} digits that training never saw …`);
const float = await evaluate(model, evaluation);
const integer = await evaluate(lowered.graph, evaluation, { reference: model });
const times = await interleaved([model, lowered.graph], evaluation);

const { files, report: whole } = await compressedFiles({
  graph: model,
  lowered,
  report,
  model: source,
  recipe: 'int8',
  samples,
  start,
});
writeFolder(folder, files);

const { before, after } = whole.bytes;
const table = new Table({
  head: ['', 'float', 'int8', 'ratio'],
  style: { head: [], border: [] },
  colAligns: ['left', 'right', 'right', 'right'],
});
table.push(
  [
    'correct of 2,000',
    String(float.correct),
    String(integer.correct),
    `${(integer.correct / float.correct).toFixed(4)}`,
  ],
  [
    'accuracy',
    percent(float.value),
    percent(integer.value),
    `${(100 * (integer.value - float.value)).toFixed(2)} points`,
  ],
  [
    'weight bytes',
    before.toLocaleString('en-US'),
    after.toLocaleString('en-US'),
    `${(before / after).toFixed(2)}× smaller`,
  ],
  ['median latency', ms(times[0]!), ms(times[1]!), `${(times[0]! / times[1]!).toFixed(2)}× faster`],
);
say(`\n${table.toString()}\n`);
say(`They agree on ${percent(integer.agreement!)} of the digits. One thread of WebAssembly, ${machine().cpu}.`);
say(`Written to ${relative(root, folder)}: model.json for tf.loadGraphModel, its weights, report.json, report.html.`);
say(`Next: npm run -s cq -- inspect ${relative(root, folder)}`);

/** The first `size` examples of a dataset. */
function first({ name, batches }: Dataset, size: number): Dataset {
  const all = Array.from({ length: size }, (_, index) => index);
  return { name, size, batches: (batchSize, indices = all) => batches(batchSize, indices) };
}

/** Median milliseconds of one example per model, the models taking turns so that a noisy moment hits all of them. */
async function interleaved(graphs: readonly Graph[], data: Dataset, rounds = 200): Promise<number[]> {
  const models = graphs.map((each) => executor(each));
  const all = models.map((): number[] => []);
  for await (const { inputs } of data.batches(
    1,
    Array.from({ length: rounds }, (_, index) => index),
  )) {
    for (const [i, each] of models.entries()) all[i]!.push(timed(each, inputs));
  }
  for (const each of models) each.dispose();
  return all.map((list) => spread(list).median);
}

function timed(each: Executor, inputs: Parameters<Executor['run']>[0]): number {
  const begin = performance.now();
  for (const output of each.run(inputs)) {
    output.dataSync();
    output.dispose();
  }
  return performance.now() - begin;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(2)} %`;
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}
