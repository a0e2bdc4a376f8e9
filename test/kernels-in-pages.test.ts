import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { chromiumPath } from '../packages/backend-webgl/src/testing/page.ts';

declare const runTests: () => Promise<readonly { readonly name: string; readonly error?: string }[]>;

const path = chromiumPath();
if (!path) console.log('kernels in pages: no Chromium on the search path; set CHROMIUM. They are tested in Node only.');
const inChromium = path ? test : test.skip;

const root = join(__dirname, '..');

/** The tests of test/pages in one script. */
function bundle(entry: string): string {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/esbuild/bin/esbuild'),
      join(root, 'test/pages', entry),
      ...['--bundle', '--format=esm', '--target=es2022', '--conditions=@cq/source', '--log-level=error'],
    ],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Pages that load a script: cross-origin isolated, which threads need, below /isolated/. */
async function serve(): Promise<Server> {
  const contentOf = (name: string, folder: string): readonly [string | Buffer, string] => {
    if (name.endsWith('.wasm')) {
      const file = join(root, 'packages/backend-wasm/node_modules/@tensorflow/tfjs-backend-wasm/dist', name);
      return [readFileSync(file), 'application/wasm'];
    }
    if (name.endsWith('.js')) return [bundle(name.replace('.js', '.ts')), 'text/javascript'];
    return [`<!doctype html><script type="module" src="/${folder}/${name}.js"></script>`, 'text/html'];
  };
  const server = createServer(({ url }, response) => {
    const [folder, name] = url!.split('/').slice(-2) as [string, string];
    try {
      const [content, type] = contentOf(name, folder);
      const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
      response.writeHead(200, { 'Content-Type': type, ...(folder !== 'plain' && isolation) }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

let server: Server;
let browser: Browser;
beforeAll(async () => {
  if (!path) return;
  server = await serve();
  browser = await chromium.launch({ executablePath: path, args: ['--disable-dev-shm-usage'] });
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

inChromium.each([
  ['integer-kernels', 'plain', 'on one thread', 15],
  ['integer-kernels', 'isolated', 'on one to three threads', 15],
  ['shared-kernels', 'isolated', 'on a memory that is shared already', 3],
  ['float-kernels', 'plain', 'on one thread', 15],
])('%s equal their definitions in a page, %s, %s', async (name, folder, _, least) => {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${folder}/${name}`);
  await page.waitForFunction(() => 'runTests' in globalThis);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(folder === 'isolated');
  const outcomes = await page.evaluate(() => runTests());
  expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(outcomes.length).toBeGreaterThanOrEqual(least);
  await page.close();
});
