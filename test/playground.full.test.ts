import '@cq/backend-wasm';
import '@cq/backend-wasm/register';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compress, int8, lower, subset, type Graph } from '@cq/core';
import { imageFolder, parsePreprocessing } from '@cq/data';
import { evaluate } from '@cq/eval';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { digits } from '../examples/classify-digits/src/digits.ts';
import { chromiumPath } from '../packages/backend-webgl/src/testing/page.ts';
import { comparison, drop, fingerprints, finished, serveSite, type Site } from './playground-site.ts';

const chromium = chromiumPath();
if (!chromium) console.log('playground: no Chromium on the search path; set CHROMIUM. Real models are not compressed.');
const inChromium = chromium ? test : test.skip;
const shared = join(__dirname, '../../shared');
const deit = join(shared, 'models/deit-tiny-patch16-224');
if (!existsSync(deit)) console.log('playground: no ../shared/models; DeiT-Tiny is not compressed in a page.');
const withDeit = existsSync(deit) ? inChromium : test.skip;

jest.setTimeout(600_000);

const photos = mkdtempSync(join(tmpdir(), 'cq-photos-'));
let site: Site;
let page: Page;
beforeAll(async () => {
  if (!chromium) return;
  await setBackend('wasm');
  site = await serveSite(chromium, ['--enable-unsafe-webgpu']); // which gives it an adapter in software
  page = await site.open();
  page.setDefaultTimeout(0);
});
afterAll(async () => {
  await site?.close();
  rmSync(photos, { recursive: true });
});

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

inChromium(
  'the digits model is compressed to what Node makes of it, for all 2,000 digits; WebGPU runs it raised, WebGL also after a lost context',
  async () => {
    await page.click('#compress');
    await finished(page);
    const shown = await comparison(page);
    const model = await importHuggingFace(join(__dirname, '../examples/classify-digits/model'));
    const { training, evaluation } = digits();
    const { graph } = await compress(model, int8(), { calibration: subset(training, range(0, 128)), seed: 1 });
    const wanted = await evaluate(lower(graph).graph, evaluation);
    expect(shown['correct of 2,000']![1]).toBe(wanted.correct.toLocaleString('en-US'));
    expect(shown['fingerprint of outputs']![1]).toBe(wanted.logitsSha256.slice(0, 12));

    const [float, compressed] = await fingerprints(page, 'webgpu');
    expect(await page.locator('#backend-note').textContent()).toContain('WebGPU has no integer kernels');
    expect(await page.locator('#comparison').textContent()).toContain('on WebGPU, 20 examples');
    expect(float).not.toBe(compressed);
    const [floatCorrect, correct] = (await comparison(page))['correct of 20']!.map(Number);
    expect(Math.abs(floatCorrect! - correct!)).toBeLessThanOrEqual(1);
    await page.click('#sample');
    await page.locator('#verdict', { hasText: /Both|differ/ }).waitFor();

    const [, before] = await fingerprints(page, 'webgl');
    await page.workers()[0]!.evaluate(() => {
      const { _tfengine } = globalThis as unknown as Engine;
      _tfengine.backend.gpgpu.gl.getExtension('WEBGL_lose_context')!.loseContext();
    });
    const [, wasm] = await fingerprints(page, 'wasm');
    const [, again] = await fingerprints(page, 'webgl');
    expect([wasm, again]).toEqual([before, before]);
  },
);

/** What TensorFlow.js calls its global engine, and its WebGL backend's context. */
interface Engine {
  readonly _tfengine: { readonly backend: { readonly gpgpu: { readonly gl: WebGL2RenderingContext } } };
}

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

/** Eight photos that calibrate and ten that compare, as PNG: every decoder gives those the same pixels. */
async function writePhotos(): Promise<void> {
  const labels = ['file,label'];
  for (const [folder, count] of [
    ['imagenet-calibration-1000', 8],
    ['imagenet-val-650', 10],
  ] as const) {
    const [, ...lines] = readFileSync(join(shared, 'data', folder, 'labels.csv'), 'utf8')
      .trim()
      .split(/\r?\n/);
    for (const line of lines.slice(0, count)) {
      const [file, label] = line.split(',') as [string, string];
      const name = `${String(labels.length).padStart(2, '0')}.png`;
      await sharp(join(shared, 'data', folder, file))
        .removeAlpha()
        .toColourspace('srgb')
        .png()
        .toFile(join(photos, name));
      labels.push(`${name},${label}`);
    }
  }
  writeFileSync(join(photos, 'labels.csv'), labels.join('\n'));
}

async function inNode(model: Graph): Promise<string> {
  const data = await imageFolder(photos, {
    preprocessing: parsePreprocessing(model.metadata.preprocessing, deit),
    input: 'pixel_values',
    labels: model.metadata.labels!,
  });
  const { graph } = await compress(model, int8(), { calibration: subset(data, range(0, 8)), seed: 1 });
  return (await evaluate(lower(graph).graph, subset(data, range(8, 18)))).logitsSha256.slice(0, 12);
}

withDeit(
  'DeiT-Tiny is compressed in a tab below 1.5 GB, cancelled within a second, and answers ten photos alike in Node and on both backends',
  async () => {
    await writePhotos();
    await drop(page, '#model', deit);
    await page.locator('#model-info', { hasText: 'deit' }).waitFor();
    await drop(page, '#data', photos);
    await page.locator('#data-info', { hasText: '18 examples, with labels' }).waitFor();
    await page.fill('#samples', '8');

    await page.click('#compress');
    await page.locator('#progress-text', { hasText: 'quantize-uniform' }).waitFor();
    const start = performance.now();
    await page.click('#cancel');
    await finished(page);
    const cancelled = performance.now() - start;
    expect(cancelled).toBeLessThan(1000);

    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, residentBytes())), 250);
    await page.click('#compress');
    await finished(page);
    clearInterval(watch);
    console.log(
      `playground: DeiT-Tiny: ${Math.round(most / 2 ** 20)} MiB resident at most, cancelled in ${Math.round(cancelled)} ms`,
    );
    expect(most).toBeGreaterThan(2 ** 26);
    expect(most).toBeLessThan(1.5e9);
    const shown = await comparison(page);
    expect(Number(shown['correct of 10']![1])).toBeGreaterThanOrEqual(6);
    const [, wasm] = shown['fingerprint of outputs']!;
    const [, webgl] = await fingerprints(page, 'webgl');
    expect(webgl).toBe(wasm);
    expect(await inNode(await importHuggingFace(deit))).toBe(wasm);
  },
);
