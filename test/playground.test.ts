import '@cq/backend-wasm';
import '@cq/backend-wasm/register';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compress, int8, lower, subset } from '@cq/core';
import { evaluate } from '@cq/eval';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import type { Page } from 'playwright-core';
import { digits } from '../examples/classify-digits/src/digits.ts';
import { chromiumPath } from '../packages/backend-webgl/src/testing/page.ts';
import { serveSite, type Site } from './playground-site.ts';

const chromium = chromiumPath();
if (!chromium) console.log('playground: no Chromium on the search path; set CHROMIUM. The playground is not tested.');
const inChromium = chromium ? test : test.skip;

let site: Site;
let page: Page;
beforeAll(async () => {
  if (!chromium) return;
  site = await serveSite(chromium);
  page = await site.open();
}, 180_000);
afterAll(() => site?.close());

/** Rows of the table that compares both models: title → [float, compressed]. */
async function comparison(): Promise<Record<string, string[]>> {
  const rows = await page.locator('#comparison tr').all();
  const cells = await Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
  return Object.fromEntries(cells.map(([title, ...others]) => [title!, others]));
}

const finished = () =>
  page.waitForFunction(() => document.getElementById('running')!.hidden, undefined, { timeout: 60_000 });

/** The shown recipe's fingerprints of the same examples on both backends. */
async function fingerprints(): Promise<[wasm: string, webgl: string]> {
  const on = async (backend: string, title: string) => {
    await page.selectOption('#backend', backend);
    await page.locator('#comparison th', { hasText: title }).waitFor();
    await page.waitForFunction(() => !(document.getElementById('backend') as HTMLSelectElement).disabled);
    return (await comparison())['fingerprint of outputs']![1]!;
  };
  const webgl = await on('webgl', 'on WebGL');
  return [await on('wasm', 'on WebAssembly'), webgl];
}

inChromium('the first load is below 1 MB without models', () => {
  const files = readdirSync(site.folder, { recursive: true, encoding: 'utf8' });
  const code = files.filter((name) => /\.(html|js|css|wasm)$/.test(name));
  const bytes = code.reduce((sum, name) => sum + gzipSync(readFileSync(join(site.folder, name))).length, 0);
  expect(bytes).toBeGreaterThan(100_000);
  expect(bytes).toBeLessThan(1_000_000);
});

inChromium(
  'digits compressed to int8 in the page are those of Node, to the bit, on wasm and WebGL',
  async () => {
    const before = site.requests();
    await page.click('#compress');
    await page.locator('#progress-text', { hasText: 'quantize-uniform' }).waitFor();
    await finished();
    const shown = await comparison();

    await setBackend('wasm');
    const model = await importHuggingFace(join(__dirname, '../examples/classify-digits/model'));
    const { training, evaluation } = digits();
    const calibration = subset(training, [...Array(128).keys()]);
    const { graph } = await compress(model, int8(), { calibration, seed: 1 });
    const wanted = await evaluate(lower(graph).graph, evaluation);
    expect(shown['correct of 2,000']![1]).toBe(wanted.correct.toLocaleString('en-US'));
    expect(shown['fingerprint of outputs']![1]).toBe(wanted.logitsSha256.slice(0, 12));

    const [wasm, webgl] = await fingerprints();
    expect(webgl).toBe(wasm);
    expect(site.requests()).toEqual(before);
  },
  150_000,
);

inChromium(
  'h-vit gives the same bits on wasm and WebGL; the zip holds a model',
  async () => {
    await page.selectOption('#recipe', 'h-vit');
    await page.click('#compress');
    await finished();
    const [wasm, webgl] = await fingerprints();
    expect(webgl).toBe(wasm);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
    const zip = readFileSync(await download.path());
    expect(zip.subarray(0, 2).toString()).toBe('PK');
    for (const name of ['model.json', 'group1-shard1of1.bin', 'report.json']) expect(zip.includes(name)).toBe(true);
  },
  150_000,
);

inChromium('a digit drawn with the keyboard is answered by both', async () => {
  await page.click('#clear');
  await page.focus('#pad');
  for (let i = 0; i < 7; i++) await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Space');
  for (let i = 0; i < 14; i++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.locator('#verdict', { hasText: /Both|differ/ }).waitFor();
  expect(await page.locator('#float-answer li').first().textContent()).toMatch(/^1/);
});

inChromium.each(['light', 'dark'] as const)(
  'nothing serious for axe, and 390 pixels are enough, %s',
  async (scheme) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width: 390, height: 844 });
    const widest = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(widest).toBeLessThanOrEqual(390);
    await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
      };
      const found = (await axe.run()).violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      return found.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
    });
    expect(violations).toEqual([]);
  },
);

inChromium(
  'with the keyboard alone: change an option, start, cancel within a second',
  async () => {
    await page.selectOption('#recipe', 'int8');
    await page.getByLabel('weights', { exact: true }).fill('1');
    await page.locator('#pass-list .wrong', { hasText: 'weights must be 2 to 8 bits, got 1' }).waitFor();
    expect(await page.isDisabled('#compress')).toBe(true);
    await page.getByLabel('weights', { exact: true }).fill('8');
    await page.focus('#compress');
    await page.keyboard.press('Enter');
    await page.locator('#progress-text', { hasText: 'quantize-uniform' }).waitFor();
    const start = performance.now();
    await page.keyboard.press('Enter'); // the focus went to Cancel
    await finished();
    expect(performance.now() - start).toBeLessThan(1000);
    await page.locator('#error', { hasText: 'Cancelled' }).waitFor();
    await page.waitForFunction(() => !(document.getElementById('compress') as HTMLButtonElement).disabled);
  },
  90_000,
);

inChromium(
  'it works when the server is gone',
  async () => {
    site.stopServing();
    await page.reload();
    await page.getByText('it works offline now').waitFor({ timeout: 30_000 });
    await page.click('#compress');
    await finished();
    expect((await comparison())['correct of 2,000']).toBeDefined();
  },
  90_000,
);
