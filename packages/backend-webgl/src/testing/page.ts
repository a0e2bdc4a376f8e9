import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, extname, join } from 'node:path';
import { transformSync } from '@swc/core';
import { chromium, type Page } from 'playwright-core';

const repository = join(__dirname, '../../../..');

/** A Chromium of the system: `CHROMIUM`, or what the search path has. */
export function chromiumPath(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];
  const paths = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  return [process.env['CHROMIUM'], ...paths].find((path) => path !== undefined && existsSync(path));
}

export interface Browser {
  readonly page: Page;
  /** Makes a file available to the page, and tells its address. */
  share(name: string, content: string | Uint8Array): string;
  close(): Promise<void>;
}

/** A page of a headless Chromium with software WebGL, which has run `page-script.ts`. */
export async function openPage(executablePath: string): Promise<Browser> {
  const shared = new Map<string, string | Uint8Array>();
  const server = createServer(({ url }, response) => {
    try {
      const [content, type] = contentOf(new URL(url!, 'http://localhost').pathname, shared);
      response.writeHead(200, { 'Content-Type': type }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const flags = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
  const browser = await chromium.launch({ executablePath, args: ['--disable-dev-shm-usage', ...flags] });
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(String(error)));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction(() => 'cq' in globalThis);
  return {
    page,
    share(name, content) {
      shared.set(`/shared/${name}`, content);
      return `/shared/${name}`;
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

function contentOf(path: string, shared: ReadonlyMap<string, string | Uint8Array>): [string | Uint8Array, string] {
  if (path === '/') return [pageText, 'text/html'];
  if (path === '/empty.js') return ['export default {};', 'text/javascript'];
  const given = shared.get(path);
  if (given !== undefined) return [given, path.endsWith('.json') ? 'application/json' : 'application/octet-stream'];
  const file = join(repository, path);
  const text = readFileSync(file);
  if (extname(file) === '.wasm') return [text, 'application/wasm'];
  if (extname(file) !== '.ts') return [text, 'text/javascript'];
  const { code } = transformSync(text.toString(), {
    filename: file,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'es6' },
  });
  return [code, 'text/javascript'];
}

const tensorflow = (name: string, file: string): [string, string] => [
  `@tensorflow/${name}`,
  `/packages/backend-webgl/node_modules/@tensorflow/${name}/dist/${file}`,
];

const imports = Object.fromEntries([
  tensorflow('tfjs-core', 'tf-core.fesm.min.js'),
  tensorflow('tfjs-converter', 'tf-converter.fesm.min.js'),
  tensorflow('tfjs-backend-webgl', 'tf-backend-webgl.fesm.min.js'),
  ['@cq/core/runtime', '/packages/core/src/runtime/index.ts'],
  // TensorFlow.js imports these and uses them in Node only.
  ...['fs', 'os', 'path', 'perf_hooks'].map((name) => [name, '/empty.js']),
]);

const pageText = `<!doctype html>
<meta charset="utf-8" />
<title>backend-webgl</title>
<link rel="icon" href="data:," />
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="/packages/backend-webgl/src/testing/page-script.ts"></script>
`;
