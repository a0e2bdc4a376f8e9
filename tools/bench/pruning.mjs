/**
 * What pruning costs and what cutting gains on a model, in one shot, with no training afterwards:
 *
 *     node tools/bench/pruning.mjs MODEL CALIBRATION DATA [examples]      after `npm run build`; arguments as in `cq eval`
 *
 * First entries of the matrices are masked: correct answers, top-1 agreement with the float model and mean KL to it. Then
 * a quarter of the heads and of the channels is cut out and the rest quantized: bytes, and one inference in milliseconds,
 * in turns with the model as it was.
 */
import { canonicalize, compress, executor, int8, lower, pack } from '../../packages/core/dist/index.js';
import { sample } from '../../packages/data/dist/index.js';
import { isHit, klDivergence, spread } from '../../packages/eval/dist/index.js';
import { prune, shrink } from '../../packages/prune/dist/index.js';
import { useBackend } from '../../packages/cli/dist/backend.js';
import { loadData } from '../../packages/cli/dist/load-data.js';
import { loadModel } from '../../packages/cli/dist/load-model.js';

const [SAMPLES, ROUNDS] = [128, 30];
const [model, calibrationPath, dataPath, limit = '200'] = process.argv.slice(2);
await useBackend('wasm');
const float = canonicalize(await loadModel(model));
const calibration = sample(await loadData(calibrationPath, float, model), SAMPLES, 1);
const data = await loadData(dataPath, float, model);
const count = Math.min(Number(limit), data.size);
const indices = Array.from({ length: count }, (_, i) => Math.floor((i * data.size) / count));
const examples = [];
for await (const example of data.batches(1, indices)) examples.push(example);

const run = async (passes) => (await compress(float, passes, { calibration, seed: 1 })).graph;

function logitsOf(graph) {
  const loaded = executor(lower(graph).graph); // Applies the masks.
  const logits = examples.map(({ inputs }) => {
    const [tensor, ...others] = loaded.run(inputs);
    const values = tensor.dataSync().slice();
    for (const each of [tensor, ...others]) each.dispose();
    return values;
  });
  loaded.dispose();
  return logits;
}

const reference = logitsOf(float);
const top = (logits) => logits.indexOf(Math.max(...logits));

function quality(graph) {
  const logits = logitsOf(graph);
  const sum = (term) => logits.reduce((total, own, i) => total + term(own, i), 0);
  return {
    correct: sum((own, i) => Number(isHit(own, examples[i].labels[0], 1))),
    agreement: sum((own, i) => Number(top(own) === top(reference[i]))) / count,
    kl: sum((own, i) => klDivergence(reference[i], own)) / count,
  };
}

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
const shown = ({ correct, agreement, kl }) => [correct, `${(100 * agreement).toFixed(1)} %`, kl.toFixed(4)];

row('masked', 'score', `correct of ${count}`, 'agreement', 'KL');
row('---', '---', '---', '---', '---');
const kinds = [{ score: 'magnitude' }, { score: 'wanda' }, { score: 'wanda', granularity: 'per-output' }];
for (const sparsity of [0.1, 0.2, 0.3, 0.5]) {
  for (const kind of kinds) {
    const found = quality(await run([prune({ sparsity, ...kind })]));
    row(`${100 * sparsity} %`, Object.values(kind).join(', '), ...shown(found));
  }
}

const quarter = ['head', 'channel'].map((structure) => prune({ structure, sparsity: 0.25, score: 'wanda' }));
const graphs = {
  float,
  'float, cut': await run([...quarter, shrink()]),
  int8: await run(int8()),
  'int8, cut': await run([...quarter, shrink(), ...int8()]),
};
const lowered = Object.values(graphs).map((graph) => lower(graph).graph);
const loaded = lowered.map(executor);
const times = loaded.map(() => []);
for (let round = -2; round < ROUNDS; round++) {
  for (const [i, each] of loaded.entries()) {
    const start = performance.now();
    for (const tensor of each.run(examples[0].inputs)) {
      tensor.dataSync();
      tensor.dispose();
    }
    if (round >= 0) times[i].push(performance.now() - start);
  }
}
console.log();
row('model', `correct of ${count}`, 'agreement', 'KL', 'bytes', 'milliseconds, median', 'of int8');
row('---', '---', '---', '---', '---', '---', '---');
const medians = times.map((list) => spread(list).median);
for (const [i, [name, graph]] of Object.entries(graphs).entries()) {
  const bytes = pack(lowered[i]).weightData.byteLength;
  row(name, ...shown(quality(graph)), bytes, medians[i].toFixed(1), (medians[i] / medians[2]).toFixed(2));
}
