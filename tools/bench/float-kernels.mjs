/**
 * Where the time of float models goes on one thread, with `@cq/backend-wasm/register` and with TensorFlow.js's own kernels in
 * turns in one process: forward and backward of one block of DeiT-Tiny at batch 8 by kernel, matrix products alone, and one
 * inference of a Hugging Face folder if one is given.
 * `node tools/bench/float-kernels.mjs [ROUNDS] [FOLDER]`, after `npm run build`.
 *
 * Beside the time there is the time on a core, which other work on the machine does not lengthen by waiting.
 */
import { createRequire } from 'node:module';
import { importHuggingFace } from '../../packages/import-hf/dist/index.js';
import { build, executor, randomOf } from '../../packages/core/dist/index.js';
import { objective } from '../../packages/core/dist/objective.js';
import { tf } from './tensorflow.mjs';

const [rounds, folder] = [Number(process.argv[2] ?? 15), process.argv[3]];
const require = createRequire(new URL('../../packages/cli/package.json', import.meta.url));
require('@tensorflow/tfjs-layers'); // registers the gradients in Node
require('@tensorflow/tfjs-backend-wasm');
tf.enableProdMode();
const stock = tf.getKernelsForBackend('wasm');
await tf.setBackend('wasm');
await import('../../packages/backend-wasm/dist/float/index.js');
const sides = [
  { name: '@cq/backend-wasm', kernels: tf.getKernelsForBackend('wasm') },
  { name: 'TensorFlow.js', kernels: stock },
];

/** Makes TensorFlow.js run these kernels, their milliseconds and calls noted. */
function use(kernels, spent = new Map()) {
  for (const { kernelName } of tf.getKernelsForBackend('wasm')) tf.unregisterKernel(kernelName, 'wasm');
  for (const kernel of kernels) {
    const { kernelName } = kernel;
    const kernelFunc = (given) => {
      const start = busy();
      const result = kernel.kernelFunc(given);
      const { milliseconds = 0, calls = 0 } = spent.get(kernelName) ?? {};
      spent.set(kernelName, { milliseconds: milliseconds + busy() - start, calls: calls + 1 });
      return result;
    };
    tf.registerKernel({ ...kernel, kernelFunc });
  }
}

/** Milliseconds that this process has had a core. */
function busy() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Both sides in turns, the first rounds not counted: all times, and what the kernels took in the mean of a round. */
async function compare(work, prepare = () => undefined, warmUp = 2) {
  const results = [];
  for (const { name, kernels } of sides) {
    use(kernels);
    results.push({ name, kernels, prepared: prepare(), times: [], cores: [], spent: new Map() });
  }
  for (let round = -warmUp; round < rounds; round++) {
    for (const result of results) {
      use(result.kernels, round < 0 ? new Map() : result.spent);
      const [start, core] = [performance.now(), busy()];
      await work(result.prepared);
      if (round < 0) continue;
      result.times.push(performance.now() - start);
      result.cores.push(busy() - core);
    }
  }
  return results;
}

const [batch, tokens, channels, heads, wide] = [8, 197, 192, 3, 768];

function block() {
  const b = build();
  const random = randomOf(1);
  const weight = (name, ...shape) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const data = Float32Array.from({ length: size }, () => 0.2 * (random.uniform() - 0.5));
    return b.weight(name, shape, data);
  };
  const linear = (name, x, inputs, outputs) => {
    const product = b.node(`${name}/product`, 'MatMul', [x, weight(`${name}/weight`, inputs, outputs)]);
    return b.node(name, 'BiasAdd', [product, weight(`${name}/bias`, outputs)]);
  };
  const norm = (name, x) => {
    const operands = [x, weight(`${name}/gamma`, channels), weight(`${name}/beta`, channels)];
    return b.node(name, 'LayerNorm', operands, { epsilon: 1e-6 });
  };
  const shape = { heads, depth: channels / heads, tokens };
  const input = b.input('x', 'float32', [-1, tokens, channels]);
  const x = b.node('embedded', 'AddV2', [input, weight('positions', tokens, channels)]); // asks for the input's gradient
  const first = norm('norm1', x);
  const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(name, first, channels, channels));
  const logits = b.node('logits', 'AttentionLogits', [q, k], { ...shape, factor: Math.fround(1 / Math.sqrt(64)) });
  const context = b.node('context', 'AttentionContext', [b.node('softmax', 'Softmax', [logits]), v], shape);
  const middle = b.node('sum1', 'AddV2', [linear('projection', context, channels, channels), x]);
  const gelu = b.node('gelu', 'Gelu', [linear('up', norm('norm2', middle), channels, wide)], { approximate: false });
  b.output('y', b.node('y', 'AddV2', [linear('down', gelu, wide, channels), middle]), [-1, tokens, channels]);
  return b.graph();
}

async function training() {
  const forward = batch * tokens * (4 * channels ** 2 + 2 * channels * wide + 2 * tokens * channels);
  const useful = 3 * forward;
  const graph = block();
  const parameters = new Map([...graph.weights].map(([name, { data }]) => [name, data]));
  const random = randomOf(2);
  const data = Float32Array.from({ length: batch * tokens * channels }, () => 2 * random.uniform() - 1);
  const examples = { inputs: { x: { dtype: 'float32', shape: [batch, tokens, channels], data } } };
  const found = [];
  const results = await compare(
    async (model) => found.push(await model.gradients(parameters, examples, { step: 0, steps: 1, random })),
    () => objective(graph, { values: ['y'], loss: ({ values }) => tf.mean(tf.square(values.y)) }),
  );
  console.log(
    `Forward and backward of one block of DeiT-Tiny, batch ${batch}: ${(useful / 1e9).toFixed(2)} useful GMAC`,
  );
  for (const { name, times, cores } of results) {
    for (const [what, list] of Object.entries({ time: times, 'on a core': cores })) {
      const three = [Math.min(...list), median(list), Math.max(...list)].map((value) => value.toFixed(0)).join(' / ');
      const rate = (useful / median(list) / 1e6).toFixed(2);
      console.log(`${name.padEnd(18)} ${what.padEnd(10)} ${three.padStart(20)} ms  ${rate.padStart(6)} GMAC/s`);
    }
  }
  const ratio = (what) => (median(results[1][what]) / median(results[0][what])).toFixed(1);
  console.log(`ratio of the medians ${ratio('times')}, on a core ${ratio('cores')}`);
  const [own, other] = found.slice(-2).map(({ gradients }) => gradients);
  let [error, size] = [0, 0];
  for (const [name, values] of own) {
    values.forEach((value, i) => ([error, size] = [error + (value - other.get(name)[i]) ** 2, size + value ** 2]));
  }
  console.log(`relative difference of the gradients ${Math.sqrt(error / size).toExponential(1)}\n`);
  byKernel(results);
}

function byKernel(results) {
  for (const { name, cores, spent } of results) {
    console.log(`${name}: milliseconds on a core, by kernel`);
    const rows = [...spent].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
    for (const [kernel, { milliseconds, calls }] of rows.filter(([, row]) => row.milliseconds / rounds >= 0.1)) {
      const each = (milliseconds / rounds).toFixed(1).padStart(8);
      console.log(`  ${kernel.padEnd(24)} ${each}  ${String(calls / rounds).padStart(3)} calls`);
    }
    const inside = rows.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
    const rest = (cores.reduce((sum, time) => sum + time, 0) - inside) / rounds;
    console.log(`  ${'outside of kernels'.padEnd(24)} ${rest.toFixed(1).padStart(8)}\n`);
  }
}

/** [count, rows, depth] times [count, depth, columns], either stored transposed. */
const products = [
  { count: 3, rows: 197, depth: 64, columns: 197 },
  { count: 3, rows: 197, depth: 64, columns: 197, transposeB: true },
  { count: 3, rows: 197, depth: 197, columns: 64 },
  { rows: 197, depth: 192, columns: 768 },
  { rows: 197, depth: 3072, columns: 768 },
  { rows: 1576, depth: 192, columns: 768 },
  { rows: 1576, depth: 768, columns: 192, transposeB: true },
  { rows: 192, depth: 1576, columns: 768, transposeA: true },
  { rows: 1, depth: 192, columns: 1000 },
];

async function matrixProducts() {
  console.log(`${'product'.padEnd(36)}  GMAC/s on a core: ours   TensorFlow.js   ratio`);
  for (const { count = 1, rows, depth, columns, transposeA = false, transposeB = false } of products) {
    const lead = count > 1 ? [count] : [];
    const left = tf.randomNormal([...lead, ...(transposeA ? [depth, rows] : [rows, depth])]);
    const right = tf.randomNormal([...lead, ...(transposeB ? [columns, depth] : [depth, columns])]);
    const multiply = () => {
      for (let i = 0; i < 3; i++) tf.matMul(left, right, transposeA, transposeB).dispose();
    };
    const results = await compare(multiply, undefined, 20);
    tf.dispose([left, right]);
    const [own, other] = results.map(({ cores }) => (3 * count * rows * depth * columns) / median(cores) / 1e6);
    const shape = (first, second, transposed) =>
      `${[...lead, first, second].join('×')}${transposed ? ' stored ᵀ' : ''}`;
    const name = `${shape(rows, depth, transposeA)} · ${shape(depth, columns, transposeB)}`;
    const figures = [own.toFixed(1).padStart(22), other.toFixed(1).padStart(15), (own / other).toFixed(1).padStart(7)];
    console.log(`${name.padEnd(36)}  ${figures.join(' ')}`);
  }
}

async function inference() {
  const graph = await importHuggingFace(folder);
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, dtype, shape }) => {
      const sizes = shape.map((size) => Math.max(size, 1));
      const size = sizes.reduce((product, length) => product * length, 1);
      return [name, { dtype, shape: sizes, data: new Float32Array(size).fill(0.5) }];
    }),
  );
  const results = await compare(
    (model) => {
      for (const output of model.run(inputs)) {
        output.dataSync();
        output.dispose();
      }
    },
    () => executor(graph),
  );
  console.log(`\n${folder.split('/').at(-1)} in float, batch 1, medians`);
  for (const { name, times, cores } of results) {
    console.log(`${name.padEnd(18)} ${median(times).toFixed(1)} ms, ${median(cores).toFixed(1)} ms on a core`);
  }
  console.log();
  byKernel(results);
}

await training();
await matrixProducts();
if (folder) await inference();
