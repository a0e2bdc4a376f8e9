/**
 * A float model on TensorFlow.js's own WebGL kernels against the same one compressed, on ours, in one page of a headless
 * Chromium whose WebGL is software: bytes of weight textures, and milliseconds in turns.
 *
 *     node tools/bench/webgl.mjs FLOAT COMPRESSED.. [--runs 5] [--profile]
 *
 * Models are folders with model.json; needs node tools/setup.mjs. --profile adds where one run spends its time, by op.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { chromiumPath } from './pages.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' }, profile: { type: 'boolean' } },
});
if (positionals.length < 2) throw new Error('webgl: give the folder of a float model and those of compressed ones');

const repository = fileURLToPath(new URL('../../', import.meta.url));
const tensorflow = (name, file) => [
  `@tensorflow/${name}`,
  `/repository/packages/backend-webgl/node_modules/@tensorflow/${name}/dist/${file}`,
];
const imports = Object.fromEntries([
  tensorflow('tfjs-core', 'tf-core.fesm.min.js'),
  tensorflow('tfjs-converter', 'tf-converter.fesm.min.js'),
  tensorflow('tfjs-backend-webgl', 'tf-backend-webgl.fesm.min.js'),
  ['@cq/core/runtime', '/repository/packages/core/dist/runtime/index.js'],
  ['@cq/backend-webgl', '/repository/packages/backend-webgl/dist/index.js'],
  ...['fs', 'os', 'path', 'perf_hooks'].map((name) => [name, '/empty.js']), // for Node only
]);

const pageText = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { webglMemory } from '@cq/backend-webgl';
tf.env().set('SOFTWARE_WEBGL_ENABLED', true);
await tf.setBackend('webgl');
const models = [];
const run = async (model) => {
  const inputs = Object.fromEntries(model.inputs.map(({ name, shape, dtype }) => {
    const whole = shape.map((size) => Math.max(size, 1));
    const count = whole.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898));
    return [name, tf.tensor(dtype === 'int32' ? Int32Array.from(data, () => 1) : data, whole, dtype)];
  }));
  const outputs = [model.execute(inputs, model.outputs.map(({ name }) => name))].flat();
  const data = await outputs[0].data();
  tf.dispose([inputs, outputs]);
  return data;
};
const stockBytes = (model) => Object.values(model.weights).flat().reduce((sum, { dataId }) => {
  const { texture, texShape, isPacked } = tf.backend().texData.get(dataId);
  if (!texture) return sum;
  const [rows, columns] = texShape;
  return sum + (isPacked ? 16 * Math.ceil(rows / 2) * Math.ceil(columns / 2) : 4 * rows * columns);
}, 0);
globalThis.bench = {
  async load(url) {
    const model = await loadGraphModel(url);
    models.push(model);
    const before = webglMemory().bytes;
    const start = performance.now();
    await run(model);
    const first = performance.now() - start;
    return { first, ours: webglMemory().bytes - before, stock: stockBytes(model), readBacks: webglMemory().readBacks };
  },
  /** Milliseconds by op of one run, waiting for the graphics card behind each. */
  async profile(index) {
    const { gl } = tf.backend().gpgpu;
    const spent = {};
    const restore = [];
    for (const kernel of tf.getKernelsForBackend('webgl')) {
      const { kernelFunc } = kernel;
      restore.push(() => (kernel.kernelFunc = kernelFunc));
      kernel.kernelFunc = (given) => {
        const start = performance.now();
        const result = kernelFunc(given);
        gl.bindFramebuffer(gl.FRAMEBUFFER, null);
        gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
        spent[kernel.kernelName] = (spent[kernel.kernelName] ?? 0) + performance.now() - start;
        return result;
      };
    }
    await run(models[index]);
    for (const undo of restore) undo();
    return spent;
  },
  async time(index) {
    const start = performance.now();
    await run(models[index]);
    return performance.now() - start;
  },
};
</script>`;

const types = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json' };
const server = createServer(({ url }, response) => {
  const path = new URL(url, 'http://localhost').pathname;
  try {
    const [, place, ...rest] = path.split('/');
    const content =
      path === '/'
        ? pageText
        : path === '/empty.js'
          ? 'export default {};'
          : readFileSync(join(place === 'repository' ? repository : positionals[Number(place)], ...rest));
    const type = types[path === '/' ? '.html' : extname(path)] ?? 'application/octet-stream';
    response.writeHead(200, { 'Content-Type': type }).end(content);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const software = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
const browser = await chromium.launch({
  executablePath: chromiumPath(),
  args: ['--disable-dev-shm-usage', ...software],
});
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(String(error)));
  page.setDefaultTimeout(0);
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => 'bench' in globalThis);
  console.log(`Chromium ${browser.version()}, SwiftShader`);
  const weights = [];
  for (const [index, folder] of positionals.entries()) {
    const { first, ours, stock, readBacks } = await page.evaluate(
      (url) => globalThis.bench.load(url),
      `/${index}/model.json`,
    );
    weights.push(ours + stock);
    const ratio = ((ours + stock) / weights[0]).toFixed(3);
    console.log(
      `${folder}: weight textures ${ours + stock} bytes (${ratio}), read-backs ${readBacks}, first run ${first.toFixed(0)} ms`,
    );
  }
  if (values.profile) {
    for (const [index, folder] of positionals.entries()) {
      const spent = Object.entries(await page.evaluate((i) => globalThis.bench.profile(i), index));
      const lines = spent.sort(([, a], [, b]) => b - a).map(([op, time]) => `${op} ${time.toFixed(0)}`);
      console.log(`${folder}, ms: ${lines.slice(0, 12).join(', ')}`);
    }
  }
  const times = positionals.map(() => []);
  for (let round = 0; round < Number(values.runs); round++) {
    for (const index of positionals.keys())
      times[index].push(await page.evaluate((i) => globalThis.bench.time(i), index));
  }
  const sorted = times.map((all) => all.sort((a, b) => a - b));
  positionals.forEach((folder, index) => {
    const [least, median] = [0, sorted[index].length >> 1].map((place) => {
      const ratio = (sorted[0][place] / sorted[index][place]).toFixed(2);
      return `${sorted[index][place].toFixed(0)} ms (${ratio}× the speed of float)`;
    });
    console.log(`${folder}: median ${median}, least ${least}`);
  });
} finally {
  await browser.close();
  server.close();
}
