import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { chromiumPath } from '../packages/backend-webgl/src/testing/page.ts';
import { serveSite, type Site } from './playground-site.ts';

const shared = join(__dirname, '../../shared');
const deit = join(shared, 'models/deit-tiny-patch16-224');
const chromium = existsSync(deit) ? chromiumPath() : undefined;
if (!chromium) console.log('playground: no Chromium, or no ../shared/models; DeiT-Tiny is not compressed in a page.');
const inChromium = chromium ? test : test.skip;

const photos = mkdtempSync(join(tmpdir(), 'cq-photos-'));
let site: Site;
let page: Page;
beforeAll(async () => {
  if (!chromium) return;
  const labels: string[] = ['file,label'];
  for (const [prefix, folder, count] of [
    ['calibration', 'imagenet-calibration-1000', 8],
    ['validation', 'imagenet-val-650', 10],
  ] as const) {
    const [, ...lines] = readFileSync(join(shared, 'data', folder, 'labels.csv'), 'utf8')
      .trim()
      .split(/\r?\n/);
    for (const line of lines.slice(0, count)) {
      cpSync(join(shared, 'data', folder, line.split(',')[0]!), join(photos, `${prefix}-${line.split(',')[0]!}`));
      labels.push(`${prefix}-${line}`);
    }
  }
  writeFileSync(join(photos, 'labels.csv'), labels.join('\n'));
  site = await serveSite(chromium);
  page = await site.open();
  page.setDefaultTimeout(280_000);
}, 180_000);
afterAll(async () => {
  await site?.close();
  rmSync(photos, { recursive: true });
});

const finished = () => page.waitForFunction(() => document.getElementById('running')!.hidden, undefined);

const row = async (title: string): Promise<string[]> => {
  const line = page.locator('#comparison tr', { has: page.locator(`td:text-is("${title}")`) });
  return (await line.locator('td').allTextContents()).slice(1);
};

/** Resident bytes of the largest renderer among the browser's processes: that of the tab with its worker. */
function residentBytes(): number {
  const sizes = readdirSync('/proc').flatMap((id) => {
    try {
      const command = readFileSync(`/proc/${id}/cmdline`, 'utf8');
      if (!/^\d+$/.test(id) || !command.includes('--type=renderer')) return [];
      return [Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))![1]) * 1024];
    } catch {
      return [];
    }
  });
  return Math.max(...sizes);
}

inChromium(
  'DeiT-Tiny is compressed in a tab below 1.5 GB, cancelled within a second, and equal on both backends',
  async () => {
    await page.setInputFiles('#model-files', deit);
    await page.locator('#model-info', { hasText: 'deit' }).waitFor();
    await page.setInputFiles('#data-folder', photos);
    await page.locator('#data-info', { hasText: '18 examples, with labels' }).waitFor();
    await page.fill('#samples', '8');

    await page.click('#compress');
    await page.locator('#progress-text', { hasText: 'quantize-uniform' }).waitFor();
    const start = performance.now();
    await page.click('#cancel');
    await finished();
    expect(performance.now() - start).toBeLessThan(1000);

    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, residentBytes())), 250);
    await page.click('#compress');
    await finished();
    clearInterval(watch);
    console.log(`playground: DeiT-Tiny, ${Math.round(most / 2 ** 20)} MiB resident at most`);
    expect(most).toBeGreaterThan(2 ** 26);
    expect(most).toBeLessThan(1.5e9);
    expect(Number((await row('correct of 10'))[1])).toBeGreaterThanOrEqual(6);
    const [, wasm] = await row('fingerprint of outputs');
    await page.selectOption('#backend', 'webgl');
    await page.locator('#comparison th', { hasText: 'on WebGL' }).waitFor();
    const [, webgl] = await row('fingerprint of outputs');
    expect(webgl).toBe(wasm);
  },
  300_000,
);
