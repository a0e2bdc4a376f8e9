/** Runtimes in pages of a headless Chromium: each page has a process of its own, as models in Node have. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { delimiter, extname, join, normalize, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** A Chromium of the system: `CHROMIUM`, or what the search path has. */
export function chromiumPath() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];
  const paths = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [process.env.CHROMIUM, ...paths].find((path) => path && existsSync(path));
}

/**
 * Starts the browser and the server of its pages.
 * @param isolated Whether pages are cross-origin isolated, which threads need.
 */
export async function startPages(isolated) {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error('a Chromium must be installed, got none on the search path; set CHROMIUM');
  const server = await serve(isolated);
  const browser = await chromium.launch({ executablePath, args: ['--disable-dev-shm-usage'] });
  const system = await browser.newBrowserCDPSession();
  const open = async () => {
    const context = await browser.newContext(); // pages of two contexts never share a process
    const page = await context.newPage();
    await page.goto(server.origin);
    await page.waitForFunction(() => 'bench' in globalThis);
    return { page, stop: () => context.close().catch(() => undefined) };
  };
  return {
    version: `Chromium ${browser.version()}`,
    /** As `startContestant` of @cq/cli, in a page. */
    async start(name, { model, kernels, threads, batch, seed }, signal) {
      const { page, stop } = await open();
      signal.addEventListener('abort', stop);
      try {
        const before = await processTimes(system);
        const loader = { '.onnx': 'ort', '.tflite': 'litert' }[extname(model)] ?? 'tfjs';
        const job = { url: server.share(resolve(model)), loader, kernels, threads, batch, seed };
        const { runtime, ...told } = await page.evaluate((given) => globalThis.bench.load(given), job);
        const process = busiest(before, await processTimes(system));
        return {
          ...{ name, runtime, ...told },
          run: () => page.evaluate(() => globalThis.bench.run()),
          async infer(feeds) {
            const plain = Object.entries(feeds).map(([key, feed]) => [key, { ...feed, data: [...feed.data] }]);
            const inputs = Object.fromEntries(plain);
            return Float32Array.from(await page.evaluate((given) => globalThis.bench.infer(given), inputs));
          },
          peakBytes: async () => highWaterMark(process),
          stop,
        };
      } catch (error) {
        await stop();
        throw new Error(`${name}: ${error.message.split('\n')[0]}`, { cause: error });
      }
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** Seconds that each renderer has computed, by process id. */
async function processTimes(system) {
  const { processInfo } = await system.send('SystemInfo.getProcessInfo');
  return new Map(processInfo.filter(({ type }) => type === 'renderer').map(({ id, cpuTime }) => [id, cpuTime]));
}

/** Which process loaded the model: no other page does anything meanwhile. */
function busiest(before, after) {
  const spent = [...after].map(([id, time]) => [id, time - (before.get(id) ?? 0)]);
  return spent.reduce((most, next) => (next[1] > most[1] ? next : most), [0, -1])[0];
}

/** The most memory a process has had; Linux only. */
function highWaterMark(id) {
  try {
    const status = readFileSync(`/proc/${id}/status`, 'utf8');
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN);
  } catch {
    return NaN;
  }
}

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Serves the repository, and files that `share` is told of, on the loopback interface only. */
async function serve(isolated) {
  const shared = new Map([['repository', repository]]);
  const page = readFileSync(join(repository, 'tools/bench/page.html'), 'utf8').replace('IMPORT_MAP', importMap());
  const headers = {
    'Cache-Control': 'no-store',
    ...(isolated && { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }),
  };
  const contentAt = (path) => {
    if (path === '/') return page;
    if (path === '/empty.js') return 'export default {};';
    const [, place, ...rest] = normalize(path).split(sep);
    return readFileSync(join(shared.get(place), ...rest));
  };
  const server = createServer(({ url }, response) => {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    try {
      const content = contentAt(path);
      const type = types[path === '/' ? '.html' : extname(path)] ?? 'application/octet-stream';
      response.writeHead(200, { ...headers, 'Content-Type': type }).end(content);
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    origin: `http://127.0.0.1:${server.address().port}/`,
    /** The address of a file or folder. */
    share(path) {
      const place = `shared-${shared.size}`;
      shared.set(place, path);
      return `/${place}`;
    },
    close: () => server.close(),
  };
}

/** Where pages find what they import, so that nothing has to be bundled. */
function importMap() {
  const at = (path) => `/repository/${path}`;
  const tensorflow = (name) => at(`packages/cli/node_modules/@tensorflow/${name}`);
  const litert = createRequire(realpathSync(join(repository, 'node_modules/@litertjs/core/package.json')));
  const utils = litert.resolve('@litertjs/wasm-utils').slice(realpathSync(join(repository, 'node_modules')).length + 1);
  const imports = {
    '@tensorflow/tfjs-core': tensorflow('tfjs-core/dist/tf-core.fesm.min.js'),
    '@tensorflow/tfjs-converter': tensorflow('tfjs-converter/dist/tf-converter.fesm.min.js'),
    '@tensorflow/tfjs-backend-wasm': tensorflow('tfjs-backend-wasm/dist/tf-backend-wasm.fesm.min.js'),
    'onnxruntime-web': at('packages/cli/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs'),
    '@litertjs/core': at('node_modules/@litertjs/core/dist/index.js'),
    '@litertjs/wasm-utils': at(`node_modules/${utils}`),
  };
  for (const name of ['core', 'backend-wasm']) {
    const { exports } = JSON.parse(readFileSync(join(repository, `packages/${name}/package.json`), 'utf8'));
    for (const [path, target] of Object.entries(exports)) {
      imports[join(`@cq/${name}`, path)] = at(join(`packages/${name}`, target.default));
    }
  }
  // TensorFlow.js imports these and uses them in Node only.
  for (const name of ['fs', 'os', 'path', 'perf_hooks']) imports[name] = '/empty.js';
  return JSON.stringify({ imports });
}
