/**
 * Forward and backward of one block of DeiT-Tiny in float, batch 8: `node training.mjs stock|float [SECONDS] [THREADS]` prints one
 * JSON document. The useful rate is three times the multiplications of the forward part by the time of both.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { randomFeeds } from '../../packages/cli/dist/bench-feeds.js';
import { build, randomOf } from '../../packages/core/dist/index.js';
import { objective } from '../../packages/core/dist/objective.js';
import { spread } from '../../packages/eval/dist/index.js';
import { withoutPaths } from './models.mjs';
import { tf } from './tensorflow.mjs';

const [batch, tokens, width, heads] = [8, 197, 192, 3];
const depth = width / heads;
const multiplications = batch * tokens * (12 * width ** 2 + 2 * tokens * width);

/** @returns `[{ name, milliseconds, rate } | { name, error }]`, each taken in a process of its own. */
export async function trainingTable({ seconds, say }) {
  const rows = [];
  for (const [kernels, threads, name] of [
    ['stock', 1, 'TensorFlow.js wasm'],
    ['float', 1, '@cq/backend-wasm/register'],
    ['float', 2, '@cq/backend-wasm/register, two threads'],
  ]) {
    say(`training, ${name}`);
    const parameters = [fileURLToPath(import.meta.url), kernels, seconds, threads].map(String);
    rows.push({ name, threads, ...(await answerOf(parameters)) });
  }
  return rows;
}

async function answerOf(parameters) {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, parameters, { timeout: 180_000 });
    return JSON.parse(stdout);
  } catch (error) {
    const said = /(?:Error: )(.*)/.exec(error.stderr ?? '')?.[1];
    return { error: withoutPaths(said ?? error.message) };
  }
}

async function train(kernels, seconds, threads) {
  const require = createRequire(new URL('../../packages/cli/package.json', import.meta.url));
  tf.enableProdMode();
  require('@tensorflow/tfjs-layers'); // registers the gradients in Node
  const own = kernels === 'float' && (await import('../../packages/backend-wasm/dist/float/index.js'));
  if (!own) require('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  if (own) await own.setThreads(threads);

  const graph = block();
  const parameters = new Map([...graph.weights].map(([name, { data }]) => [name, data]));
  const model = objective(graph, { values: ['y'], loss: ({ values }) => tf.mean(tf.square(values['y'])) });
  const inputs = randomFeeds(graph.inputs, batch, 1);
  const times = [];
  for (let end = Infinity, i = 0; i < 4 || performance.now() < end; i++) {
    const start = performance.now();
    await model.gradients(parameters, { inputs }, { step: 0, steps: 1, random: randomOf(1) });
    if (i >= 2) times.push(performance.now() - start);
    if (i === 2) end = performance.now() + 1000 * seconds;
  }
  const milliseconds = spread(times);
  return {
    milliseconds,
    rate: (3 * multiplications) / milliseconds.median / 1e6,
    best: (3 * multiplications) / milliseconds.min / 1e6,
  };
}

/** LayerNorm, attention and shortcut; LayerNorm, feed-forward part and shortcut. */
function block() {
  const b = build();
  const random = (name, shape, factor) => {
    const [{ data }] = Object.values(randomFeeds([{ name, dtype: 'float32', shape: [1, ...shape] }], 1, name.length));
    return b.weight(
      name,
      shape,
      data.map((value) => factor * value),
    );
  };
  const norm = (name, x) => {
    const ones = b.weight(`${name}/gamma`, [width], new Float32Array(width).fill(1));
    const zeros = b.weight(`${name}/beta`, [width], new Float32Array(width));
    return b.node(name, 'LayerNorm', [x, ones, zeros], { epsilon: 1e-6 });
  };
  const linear = (name, x, inputs, outputs) => {
    const product = b.node(`${name}/product`, 'MatMul', [x, random(`${name}/w`, [inputs, outputs], 0.05)]);
    return b.node(name, 'BiasAdd', [product, random(`${name}/b`, [outputs], 0.05)]);
  };
  const x = b.input('x', 'float32', [-1, tokens, width]);
  const before = norm('before', x);
  const [q, k, v] = ['query', 'key', 'value'].map((name) => linear(name, before, width, width));
  const logits = b.node('logits', 'AttentionLogits', [q, k], { heads, depth, tokens, factor: depth ** -0.5 });
  const probabilities = b.node('probabilities', 'Softmax', [logits]);
  const context = b.node('context', 'AttentionContext', [probabilities, v], { heads, depth, tokens });
  const attended = b.node('attended', 'AddV2', [linear('projection', context, width, width), x]);
  const wide = b.node('gelu', 'Gelu', [linear('up', norm('after', attended), width, 4 * width)], {
    approximate: false,
  });
  b.output('y', b.node('y', 'AddV2', [linear('down', wide, 4 * width, width), attended]), [-1, tokens, width]);
  return b.graph();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kernels, seconds = '5', threads = '1'] = process.argv.slice(2);
  console.log(JSON.stringify(await train(kernels, Number(seconds), Number(threads))));
}
