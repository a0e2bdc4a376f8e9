import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

const playground = join(__dirname, '../examples/playground');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** The playground as it is deployed, built from the sources, in a headless Chromium with software WebGL. */
export interface Site {
  readonly folder: string;
  readonly browser: Browser;
  /**
   * What the server was asked for so far, and whatever went elsewhere. The browser itself looks for a newer service worker
   * when it likes: not that.
   */
  requests(): readonly string[];
  /** Opens it and waits until all is loaded. */
  open(): Promise<Page>;
  stopServing(): void;
  close(): Promise<void>;
}

/** @param flags of the browser, beside those of software WebGL. */
export async function serveSite(executablePath: string, flags: readonly string[] = []): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'cq-playground-'));
  const vite = join(playground, 'node_modules/vite/bin/vite.js');
  const { status, stderr } = spawnSync(process.execPath, [vite, 'build', '--outDir', folder, '--logLevel', 'error'], {
    cwd: playground,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  const asked: string[] = [];
  const server = createServer(({ url }, response) => {
    const path = new URL(url!, 'http://localhost').pathname.replace(/\/$/, '/index.html');
    if (path !== '/service-worker.js') asked.push(path);
    try {
      const type = types[extname(path)] ?? 'application/octet-stream';
      response.writeHead(200, { 'Content-Type': type }).end(readFileSync(join(folder, path)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const software = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
  const browser = await chromium.launch({
    executablePath,
    args: ['--disable-dev-shm-usage', ...software, ...flags],
  });
  const context = await browser.newContext({ acceptDownloads: true });
  context.on('request', (request) => {
    if (/^(http|ws)/.test(request.url()) && !request.url().startsWith(address)) asked.push(request.url());
  });
  const stopServing = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return {
    ...{ folder, browser, stopServing },
    requests: () => [...asked],
    async open() {
      const page = await context.newPage();
      page.on('pageerror', (error) => console.error(String(error)));
      await page.goto(address);
      await page.getByText('it works offline now').waitFor({ timeout: 40_000 });
      return page;
    },
    async close() {
      await browser.close();
      stopServing();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Drops files and folders of this machine on an element, as a file manager does. */
export async function drop(page: Page, selector: string, ...files: readonly string[]): Promise<void> {
  const target = page.locator(selector);
  await target.scrollIntoViewIfNeeded();
  const { x, y, width } = (await target.boundingBox())!;
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [...files], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: x + width / 2, y: y + 10, data });
  }
  await session.detach();
}

/** Rows of the table that compares both models: title → [float, compressed]. */
export async function comparison(page: Page): Promise<Record<string, string[]>> {
  const rows = await page.locator('#comparison tr').all();
  const cells = await Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
  return Object.fromEntries(cells.map(([title, ...others]) => [title!, others]));
}

/** Waits until nothing is compressed any more. */
export const finished = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => document.getElementById('running')!.hidden);

/** Waits until what was chosen to run on is what is shown. */
export const compared = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => !document.getElementById('backend-note')!.textContent.startsWith('Comparing'));

/** The fingerprints of the same examples' outputs on a backend: [float, compressed]. */
export async function fingerprints(page: Page, backend: 'wasm' | 'webgl' | 'webgpu'): Promise<string[]> {
  await page.selectOption('#backend', backend);
  await compared(page);
  return (await comparison(page))['fingerprint of outputs']!;
}
