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
  /** What the server was asked for so far. The browser itself looks for a newer service worker when it likes: not that. */
  requests(): readonly string[];
  /** Opens it and waits until all is loaded. */
  open(): Promise<Page>;
  stopServing(): void;
  close(): Promise<void>;
}

export async function serveSite(executablePath: string): Promise<Site> {
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
  const flags = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
  const browser = await chromium.launch({ executablePath, args: ['--disable-dev-shm-usage', ...flags] });
  const context = await browser.newContext({ acceptDownloads: true });
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
