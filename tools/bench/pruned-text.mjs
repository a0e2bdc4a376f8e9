/**
 * Half of the weights masked, those that stay making up for them, or a quarter of the heads and MLP channels cut out and won back
 * by distillation from the float model on a few texts, then quantized: correct answers on texts that trained nothing, bytes, and
 * one inference in milliseconds, in turns.
 *
 *     node tools/bench/pruned-text.mjs MODEL TRAINING.csv VALIDATION.csv [steps] [seed] [rows]      after `npm run build`
 *
 * `rows`: a regular expression for the names of those that are wanted.
 */
import { canonicalize, compress, executor, int8, lower, pack, subset } from '../../packages/core/dist/index.js';
import { loadTokenizer, sample, textCsv } from '../../packages/data/dist/index.js';
import { distill } from '../../packages/distill/dist/index.js';
import { isHit, spread } from '../../packages/eval/dist/index.js';
import { prune, shrink } from '../../packages/prune/dist/index.js';
import { useBackend } from '../../packages/cli/dist/backend.js';
import { loadModel } from '../../packages/cli/dist/load-model.js';

/** Training texts are cut at so many tokens: steps are quicker, and most texts are shorter. Calibration texts are whole. */
const [TEXTS, TOKENS, CALIBRATION, ROUNDS] = [1280, 32, 256, 60];
const [folder, trainingFile, validationFile, steps = '60', seed = '1', wanted = ''] = process.argv.slice(2);
await useBackend('wasm');
const teacher = canonicalize(await loadModel(folder));
const tokenizer = await loadTokenizer(folder);
const texts = (file, maxLength) =>
  textCsv(file, {
    ...{ tokenizer, inputs: teacher.inputs, labels: teacher.metadata.labels },
    ...(maxLength && { maxLength }),
  });
const training = sample(await texts(trainingFile, TOKENS), TEXTS, Number(seed));
const calibration = sample(await texts(trainingFile), CALIBRATION, Number(seed));
const validation = await texts(validationFile);

const recovered = distill({ teacher, losses: ['soft'], steps: Number(steps), rate: 2e-5 });
const quarter = [
  prune({ structure: 'head', sparsity: 0.25, score: 'taylor' }),
  prune({ structure: 'channel', sparsity: 0.25, score: 'wanda' }),
  shrink(),
];
const all = {
  float: [],
  int8: int8(),
  'half masked, int8': [prune({ sparsity: 0.5, score: 'wanda', granularity: 'per-output', update: 'obs' }), ...int8()],
  'a quarter cut': [...quarter, recovered],
  'a quarter cut, int8': [...quarter, recovered, ...int8()],
};

const rows = Object.fromEntries(Object.entries(all).filter(([name]) => new RegExp(wanted).test(name)));

const graphs = [];
console.log('| model | right | of | bytes |');
console.log('| --- | --- | --- | --- |');
for (const [name, passes] of Object.entries(rows)) {
  const { graph } = await compress(teacher, passes, { training, calibration, seed: Number(seed) });
  const lowered = lower(graph).graph;
  graphs.push(lowered);
  const right = await rightOf(lowered);
  console.log(`| ${name} | ${right} | ${validation.size} | ${pack(lowered).weightData.byteLength} |`);
}

const models = graphs.map(executor);
const times = models.map(() => []);
const chosen = subset(
  validation,
  Array.from({ length: ROUNDS }, (_, i) => Math.floor((i * validation.size) / ROUNDS)),
);
for await (const { inputs } of chosen.batches(1)) {
  for (const [i, model] of models.entries()) times[i].push(Math.min(...[1, 2, 3].map(() => once(model, inputs))));
}
const medians = times.map((list) => spread(list).median);
Object.keys(rows).forEach((name, i) => {
  console.log(
    `${name}: median ${medians[i].toFixed(2)} ms, ${(medians[0] / medians[i]).toFixed(2)}× as fast as the first`,
  );
});

async function rightOf(graph) {
  const model = executor(graph);
  let right = 0;
  for await (const { inputs, labels } of validation.batches(8)) {
    const [logits] = model.run(inputs);
    const values = logits.dataSync();
    const width = values.length / labels.length;
    labels.forEach((label, i) => (right += Number(isHit(values.subarray(i * width, (i + 1) * width), label, 1))));
    logits.dispose();
  }
  model.dispose();
  return right;
}

function once(model, inputs) {
  const start = performance.now();
  for (const tensor of model.run(inputs)) {
    tensor.dataSync();
    tensor.dispose();
  }
  return performance.now() - start;
}
