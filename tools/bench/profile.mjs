/**
 * Where the time of a model goes: `node profile.mjs MODEL [SECONDS]` prints one JSON document. Every kernel of the `wasm`
 * backend is timed, nodes of one kind and shape together; what is left of the whole is TensorFlow.js between the kernels.
 * The best times count, as other work on the machine only ever adds to them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomFeeds } from '../../packages/cli/dist/bench-feeds.js';
import { tfjsModel } from '../../packages/cli/dist/bench-tfjs.js';
import { fromFolder } from '../../packages/core/dist/node/index.js';
import { median } from '../../packages/eval/dist/index.js';
import { peaks } from './peak.mjs';
import { tf } from './tensorflow.mjs';

const [folder, seconds = '2'] = process.argv.slice(2);
const lowered = readFileSync(join(folder, 'model.json'), 'utf8').includes('"Cq');
const model = await tfjsModel(fromFolder(folder), lowered ? 'integer' : 'stock', 1);
const feeds = randomFeeds(model.inputs, 1, 1);
let peak = { measure: () => undefined };

/** Repeats for the time given, at least five times. */
async function repeat(share, work) {
  const end = performance.now() + 1000 * share * Number(seconds);
  for (let i = 0; i < 5 || performance.now() < end; i++) {
    await work();
    if (i % 5 === 0) peak.measure();
  }
}

await repeat(0.4, () => model.infer(feeds)); // warms up
peak = peaks(); // not before the kernels have uncovered what this engine has

/** Kind and shape of a node → milliseconds of its calls. */
const calls = new Map();
/** Milliseconds before the first call, between one and the next, and after the last; of every inference. */
const gaps = [];
let [mark, position, inner] = [0, 0, undefined];
const gap = (milliseconds) => (gaps[position] ??= []).push(milliseconds);
for (const { kernelName, kernelFunc } of tf.getKernelsForBackend('wasm')) {
  const timed = (call) => {
    const outer = inner;
    if (outer === undefined) gap(performance.now() - mark);
    inner = 0; // of kernels that this one calls
    const [start, busy] = [performance.now(), processor()];
    const result = kernelFunc(call);
    const spent = Math.min(performance.now() - start, processor() - busy);
    const done = work(kernelName, call);
    const key = `${kernelName} ${done.shape}`;
    if (!calls.has(key)) calls.set(key, { kernel: kernelName, ...done, times: [] });
    calls.get(key).times.push(spent - inner);
    if (outer === undefined) position++;
    inner = outer === undefined ? undefined : outer + spent;
    mark = performance.now();
    return result;
  };
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: timed });
}
let inferences = 0;

/** Milliseconds that this process has computed: what others do meanwhile does not count. */
function processor() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

await repeat(0.6, async () => {
  [mark, position] = [performance.now(), 0];
  await model.infer(feeds);
  gap(performance.now() - mark);
  inferences++;
});

const rows = [...calls.values()].map(({ times, ...row }) => ({
  ...row,
  count: times.length / inferences,
  best: Math.min(...times),
  median: median(times),
}));
const cost = ({ count, best }) => count * best;
rows.sort((a, b) => cost(b) - cost(a));
const between = gaps.reduce((sum, times) => sum + Math.min(...times), 0);
console.log(JSON.stringify({ between, peaks: peak.best, rows }));

/** What a call computes: its shape in words, and its multiplications where they are what counts. */
function work(kernel, { inputs, attrs }) {
  const { x, q, w } = inputs;
  const shape = (x ?? q ?? Object.values(inputs)[0])?.shape ?? [];
  const size = shape.reduce((product, length) => product * length, 1);
  if (kernel === 'CqAttention') {
    const [batch, tokens] = shape;
    const { heads, depth, masked } = attrs;
    const words = `${tokens} tokens, ${heads} heads of ${depth}${masked ? ', masked' : ''}`;
    return { shape: words, multiplications: 2 * batch * heads * tokens ** 2 * depth };
  }
  if (w && attrs.outputs && attrs.patch) {
    const inner = shape[1] * attrs.patch ** 2;
    return {
      shape: `${shape.join(' × ')} in patches of ${attrs.patch}`,
      multiplications: (size / inner) * inner * attrs.outputs,
    };
  }
  if (w && attrs.outputs && attrs.inputs) {
    const rows = size / attrs.inputs;
    const kind = attrs.tableBits > 0 ? ', table' : attrs.residual ? ', residual' : attrs.bits === 32 ? ', raw' : '';
    const words = `${rows} × ${attrs.inputs} × ${attrs.outputs}${kind}`;
    return { shape: words, weightBits: attrs.weightBits, multiplications: size * attrs.outputs };
  }
  return { shape: shape.join(' × '), elements: size };
}
