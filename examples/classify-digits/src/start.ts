/**
 * The whole of @cq on one page: load a small ViT, compress it to int8, compare it with the float model on 2,000 digits
 * that neither training nor calibration has seen, and write the result. `npm start` runs this.
 */
import '@cq/backend-wasm';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compressedFiles, judged, machine } from '@cq/cli';
import { compress, executor, int8, lower, subset, type Dataset, type Executor, type Graph } from '@cq/core';
import { writeFolder } from '@cq/core/node';
import { spread, type Spread } from '@cq/eval';
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
const calibration = subset(
  training,
  Array.from({ length: samples }, (_, index) => index),
);
const { graph, report } = await compress(model, int8(), { calibration, seed });
const lowered = lower(graph);

say(`Evaluating both on ${evaluation.size.toLocaleString('en-US')} digits that training never saw …`);
const { inside, worth } = await judged(
  { graph: model, annotated: graph, lowered },
  { calibration, evaluation },
  { seed, progress: () => undefined, signal: new AbortController().signal },
);
const { examples, agreement, accuracy } = worth!;
const [float, integer] = [accuracy!.before, accuracy!.after];
const latency = await interleaved(model, lowered.graph, evaluation);

const { files, report: whole } = await compressedFiles({
  graph: model,
  lowered,
  report,
  model: source,
  recipe: 'int8',
  command: 'npm start',
  samples,
  start,
  inside: inside!,
  worth: worth!,
  latency,
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
    `correct of ${examples.toLocaleString('en-US')}`,
    String(Math.round(float * examples)),
    String(Math.round(integer * examples)),
    (integer / float).toFixed(4),
  ],
  ['accuracy', percent(float), percent(integer), `${(100 * (integer - float)).toFixed(2)} points`],
  [
    'weight bytes',
    before.toLocaleString('en-US'),
    after.toLocaleString('en-US'),
    `${(before / after).toFixed(2)}× smaller`,
  ],
  [
    'median latency',
    ms(latency.before.median),
    ms(latency.after.median),
    `${(latency.before.median / latency.after.median).toFixed(2)}× faster`,
  ],
);
say(`\n${table.toString()}\n`);
say(`They agree on ${percent(agreement)} of the digits. One thread of WebAssembly, ${machine().cpu}.`);
say(`Written to ${relative(root, folder)}: model.json for tf.loadGraphModel, its weights, report.json, report.html.`);
say(`Next: npm run -s cq -- inspect ${relative(root, folder)}`);

/** Milliseconds of one example, the models taking turns so that a noisy moment hits both. */
async function interleaved(
  before: Graph,
  after: Graph,
  data: Dataset,
  rounds = 200,
): Promise<{ readonly before: Spread; readonly after: Spread }> {
  const models = [before, after].map((graph) => executor(graph));
  const times = models.map((): number[] => []);
  const indices = Array.from({ length: rounds }, (_, index) => index);
  for await (const { inputs } of data.batches(1, indices)) {
    for (const [i, each] of models.entries()) times[i]!.push(timed(each, inputs));
  }
  for (const each of models) each.dispose();
  return { before: spread(times[0]!), after: spread(times[1]!) };
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
