import '@cq/backend-wasm';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { compress, executor, int8, lower, pack, subset, type Graph } from '@cq/core';
import { toFolder } from '@cq/core/node';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { digits } from '../examples/classify-digits/src/digits.ts';
import { chromiumPath } from '../packages/backend-webgl/src/testing/page.ts';

declare const shares: readonly number[]; // that the page's progress has shown

const path = chromiumPath();
if (!path) console.log('load in page: no Chromium on the search path; set CHROMIUM. The example is not tested.');
const inChromium = path ? test : test.skip;

const root = join(__dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'cq-load-'));
let lowered: Graph;
let server: ChildProcess;
let browser: Browser;
let address: string;
beforeAll(async () => {
  if (!path) return;
  await setBackend('wasm');
  const model = await importHuggingFace(join(root, 'examples/classify-digits/model'));
  const calibration = subset(digits().training, [0, 1, 2, 3, 4, 5, 6, 7]);
  lowered = lower((await compress(model, int8(), { calibration })).graph).graph;
  toFolder(pack(lowered), join(folder, 'model'));
  const script = join(root, 'examples/load-in-page/server.mjs');
  server = spawn(process.execPath, [script, join(folder, 'model'), '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  address = await new Promise((resolve) => server.stdout!.once('data', (line) => resolve(String(line).trim())));
  browser = await chromium.launch({ executablePath: path, args: ['--disable-dev-shm-usage'] });
});
afterAll(async () => {
  await browser?.close();
  server?.kill();
  rmSync(folder, { recursive: true });
});

/** What the CDN would send: the built packages of this repository, and TensorFlow.js as installed. */
function onCdn(url: string): string {
  const [, scope, name, rest] = /npm\/(@\w+)\/([\w-]+)@[\d.]+\/(.*)$/.exec(url)!;
  if (scope === '@cq') return join(root, 'packages', name!, rest!);
  return join(root, 'packages/backend-wasm/node_modules', scope!, name!, rest!);
}

/** Logits of a picture without ink, as Node computes them. */
function wanted(): number[] {
  const model = executor(lowered);
  const data = new Float32Array(28 * 28).fill(-1);
  const [logits] = model.run({ pixel_values: { dtype: 'float32', shape: [1, 1, 28, 28], data } });
  const values = [...logits!.dataSync()];
  logits!.dispose();
  model.dispose();
  return values;
}

/** Of a visitor who comes for the first time, with the requests for the model. */
async function visitor(): Promise<{ page: Page; models: string[] }> {
  const context = await browser.newContext();
  await context.route('https://cdn.jsdelivr.net/**', (route) => {
    const file = onCdn(route.request().url());
    const contentType = extname(file) === '.wasm' ? 'application/wasm' : 'text/javascript';
    const headers = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' };
    return route.fulfill({ body: readFileSync(file), contentType, headers });
  });
  await context.addInitScript(() => {
    const shares: number[] = [];
    const watch = new MutationObserver((seen) =>
      shares.push(...seen.map(({ target }) => (target as HTMLProgressElement).value)),
    );
    watch.observe(document, { subtree: true, attributes: true, attributeFilter: ['value'] });
    Object.assign(globalThis, { shares });
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(String(error)));
  const models: string[] = [];
  context.on('request', (request) => {
    if (request.url().includes('/model/')) models.push(request.url());
  });
  return { page, models };
}

async function logitsOn(page: Page): Promise<number[]> {
  await page.locator('#logits', { hasText: /\d/ }).waitFor();
  return (await page.locator('#logits').textContent())!.split(' ').map(Number);
}

inChromium(
  'the page loads a model over http, then from its cache, with threads, and computes what Node does',
  async () => {
    const { page, models } = await visitor();
    for (const from of ['network', 'cache']) {
      models.length = 0;
      await page.goto(address);
      expect(await logitsOn(page)).toEqual(wanted());
      expect(await page.locator('#from').textContent()).toBe(from);
      expect(models.length).toBe(from === 'network' ? 2 : 0);
      expect(await page.evaluate(() => shares.length)).toBeGreaterThan(from === 'network' ? 1 : 0);
      expect(await page.evaluate(() => shares.at(-1))).toBe(1);
      expect(await page.locator('#threads').textContent()).toBe('2');
    }
  },
);

inChromium('a worker, bundled as the README says, does the same', async () => {
  const example = join(root, 'examples/load-in-page');
  const { status, stderr } = spawnSync('npm', ['run', '-s', 'worker'], { cwd: example, encoding: 'utf8' });
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  const { page, models } = await visitor();
  await page.goto(`${address}in-a-worker.html`);
  expect(await logitsOn(page)).toEqual(wanted());
  expect(models.length).toBe(2);
  expect(await page.locator('#threads').textContent()).toBe('2');
  expect(page.workers().map((worker) => new URL(worker.url()).pathname)).toContain('/dist/worker.js');
});
