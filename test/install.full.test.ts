import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { chromiumPath } from '../packages/backend-webgl/src/testing/page.ts';
import { codeBlocks } from './code-blocks.ts';
import { pack, run } from './pack.ts';
import { writeReadmeProject, type ReadmeProject } from './readme-project.ts';

const root = join(__dirname, '..');
const path = chromiumPath();
if (!path) console.log('install: no Chromium on the search path; set CHROMIUM. Pages are bundled, not opened.');
const inChromium = path ? test : test.skip;

const scratch = mkdtempSync(join(tmpdir(), 'cq-install-'));
const [tarballs, project] = [join(scratch, 'tarballs'), join(scratch, 'project')];
const modules = join(project, 'node_modules');
let readme: ReadmeProject;
let server: Server;
let browser: Browser | undefined;

beforeAll(async () => {
  mkdirSync(tarballs);
  mkdirSync(join(project, 'src'), { recursive: true });
  const packed = pack(readdirSync(join(root, 'packages')), tarballs);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const tensorflow = ['core', 'converter', 'backend-wasm'].map((name) => `@tensorflow/tfjs-${name}@4.22`);
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund'];
  run('npm', ['install', ...quiet, ...packed.values(), ...tensorflow, 'webpack@5'], project);
  readme = await writeReadmeProject(project);
  writeSite();
  server = await serve();
  if (path) browser = await chromium.launch({ executablePath: path, args: ['--disable-dev-shm-usage'] });
}, 300_000);
afterAll(async () => {
  await browser?.close();
  server?.close();
  rmSync(scratch, { recursive: true });
});

/** The first script of the page on browsers, and what it fetches. */
function writeSite(): void {
  const [script] = codeBlocks(join(root, 'docs/in-the-browser.md')).filter(({ place }) => place === 'page');
  writeFileSync(join(project, 'src/index.js'), script!.code);
  writeFileSync(join(project, 'index.html'), '<!doctype html><title>Vite</title><script type="module" src="/src/index.js"></script>'); // prettier-ignore
  const siteFolder = join(project, 'site');
  cpSync(join(project, 'out/deit-int8'), join(siteFolder, 'models/deit-int8'), { recursive: true });
  cpSync(join(project, 'photo.jpg'), join(siteFolder, 'photo.jpg'));
  const kernels = join(modules, '@tensorflow/tfjs-backend-wasm/dist');
  for (const file of readdirSync(kernels).filter((name) => name.endsWith('.wasm')))
    cpSync(join(kernels, file), join(siteFolder, 'tfjs', file));
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** The site’s files at /, Vite's at /vite, webpack's at /webpack. */
async function serve(): Promise<Server> {
  const site = createServer(({ url }, response) => {
    try {
      const content = readFileSync(join(project, 'site', url!));
      response.writeHead(200, { 'Content-Type': types[extname(url!)] ?? 'application/octet-stream' }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
  return site;
}

/** What the page says in the end. */
async function said(page: string): Promise<string> {
  const tab = await browser!.newPage();
  const complaints: string[] = [];
  tab.on('pageerror', (error) => void complaints.push(String(error)));
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${page}/index.html`);
  await tab.waitForFunction(() => /\d\.\d\d$/.test(document.body.textContent ?? ''));
  expect(complaints).toEqual([]);
  return (await tab.textContent('body'))!;
}

/** What Node says of the same photo. */
const wanted = (): string => {
  const lines = [
    `import '@cq/backend-wasm';`,
    `import { imageClassifier } from '@cq/tasks';`,
    `import { setBackend } from '@tensorflow/tfjs-core';`,
    `await setBackend('wasm');`,
    `const [best] = await (await imageClassifier('out/deit-int8'))('photo.jpg');`,
    `console.log(best.label + ' ' + best.score.toFixed(2));`,
  ];
  writeFileSync(join(project, 'wanted.mjs'), lines.join('\n'));
  return run(process.execPath, ['wanted.mjs'], project).trim().split('\n').at(-1)!;
};

test('npm installs one of each package, and the script of the README runs in Node', () => {
  const installed = readdirSync(modules, { recursive: true, encoding: 'utf8' });
  for (const name of ['tfjs-core', 'tfjs-converter', 'tfjs-backend-wasm']) {
    expect(installed.filter((folder) => folder.endsWith(join('@tensorflow', name)))).toHaveLength(1);
  }
  expect(readme.labels).toContain(run(process.execPath, ['readme.mjs'], project).trim().split('\n').at(-1));
});

test('the cq command is there, and finds nothing wrong', () => {
  expect(run('npx', ['--no', 'cq', 'doctor'], project)).toMatch(/relaxed|SIMD/i);
});

test('CommonJS imports it, as the documentation says', () => {
  const [block] = codeBlocks(join(root, 'docs/modules.md')).filter(({ place }) => place === 'commonjs');
  writeFileSync(join(project, 'main.cjs'), block!.code);
  expect(run(process.execPath, ['main.cjs'], project)).toContain('CqError');
});

describe('Vite', () => {
  beforeAll(() => {
    const vite = join(root, 'examples/playground/node_modules/vite/bin/vite.js');
    const site = ['--outDir', 'site/vite', '--base', '/vite/', '--logLevel', 'warn'];
    run(process.execPath, [vite, 'build', ...site], project);
  }, 120_000);

  inChromium('makes a page that answers what Node does', async () => {
    expect(await said('vite')).toBe(wanted());
  });
});

describe('webpack', () => {
  const script = `import { writeFileSync } from 'node:fs';
import webpack from 'webpack';
webpack({ mode: 'production', performance: false, entry: './src/index.js', output: { path: process.cwd() + '/site/webpack' } }, (error, stats) => {
  if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
  writeFileSync('site/webpack/index.html', '<!doctype html><title>webpack</title><body><script src="main.js"></script>');
});`;
  beforeAll(() => {
    writeFileSync(join(project, 'bundle.mjs'), script);
    run(process.execPath, ['bundle.mjs'], project);
  }, 240_000);

  inChromium('makes a page that answers what Node does', async () => {
    expect(await said('webpack')).toBe(wanted());
  });
});
