import '@cq/backend-wasm';
import '@cq/backend-wasm/register';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compress, fromArtifacts, int8, lower, pack, subset, type Dataset, type Graph } from '@cq/core';
import { fromFolder, modelFiles, readArtifacts } from '@cq/core/node';
import { imageFolder, parsePreprocessing } from '@cq/data';
import { evaluate, sequenceDigest } from '@cq/eval';
import { importHuggingFace } from '@cq/import-hf';
import { loadGraphModel, type GraphModel } from '@tensorflow/tfjs-converter';
import { setBackend, tensor, type Tensor } from '@tensorflow/tfjs-core';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { digits } from '../examples/classify-digits/src/digits.ts';
import { chromiumPath } from '../packages/backend-webgl/src/testing/page.ts';
import { whatIsInaccessible } from './accessible.ts';
import { fixture } from './fixture-data.ts';
import { tabOut, tabTo, typeOver } from './keyboard.ts';
import { compared, comparison, drop, fingerprints, finished, serveSite, type Site } from './playground-site.ts';

const chromium = chromiumPath();
if (!chromium) console.log('playground: no Chromium on the search path; set CHROMIUM. The playground is not tested.');
const inChromium = chromium ? test : test.skip;

jest.setTimeout(150_000);

const scratch = mkdtempSync(join(tmpdir(), 'cq-playground-'));
const zip = join(scratch, 'digits.zip');
/** Examples that calibrate, and that compare, where a test need not have all. */
const [few, fewer] = [32, 20];

let training: Dataset;
let site: Site;
let page: Page;
let atFirst: readonly string[];
beforeAll(async () => {
  if (!chromium) return;
  await setBackend('wasm');
  ({ training } = digits());
  site = await serveSite(chromium);
  page = await site.open();
  atFirst = site.requests();
}, 300_000);
afterAll(async () => {
  await site?.close();
  rmSync(scratch, { recursive: true });
});

interface Fflate {
  unzipSync(zip: Uint8Array): Record<string, Uint8Array>;
}

interface Tokenizer {
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
}

const press = (key: string): Promise<void> => page.keyboard.press(key);
const text = async (selector: string): Promise<string> => (await page.locator(selector).textContent())!;
const shows = (selector: string, hasText: string | RegExp): Promise<void> =>
  page.locator(selector, { hasText }).waitFor();

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
/** The digits that the page compares on: it has the same first ones, and takes those behind the calibration's. */
const held = (): Dataset => subset(training, range(few, few + fewer));
const int8Digits = async (): Promise<Graph> => {
  const model = await importHuggingFace(join(__dirname, '../examples/classify-digits/model'));
  return lower((await compress(model, int8(), { calibration: subset(training, range(0, few)) })).graph).graph;
};
const shortened = (sha256: string): string => sha256.slice(0, 12);

inChromium('the first load is below 1 MB without models', () => {
  const files = readdirSync(site.folder, { recursive: true, encoding: 'utf8' });
  const code = files.filter((name) => /\.(html|js|css|wasm)$/.test(name));
  const bytes = code.reduce((sum, name) => sum + gzipSync(readFileSync(join(site.folder, name))).length, 0);
  expect(bytes).toBeGreaterThan(100_000);
  expect(bytes).toBeLessThan(1_000_000);
});

inChromium(
  'with the keyboard alone: a model, passes, options; compressed, cancelled within a second, compared, downloaded, tried',
  async () => {
    await tabTo(page, '#model-folder');
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), press('Enter')]);
    await chooser.setFiles(fixture('bert'));
    await shows('#model-info', 'bert');
    await tabTo(page, '#use-digits', 'Shift+Tab');
    await press('Enter');
    await shows('#model-info', 'Digits ViT');
    expect(await whatIsInaccessible(page)).toEqual([]);

    await tabTo(page, '#recipe');
    await press('ArrowDown');
    await shows('#pass-list', 'quantize-dynamic');
    await press('ArrowUp');
    await tabTo(page, '#new-pass');
    await page.keyboard.type('prune');
    await tabTo(page, '#add-pass');
    await press('Enter');
    await shows('#pass-list', '2. prune');
    await tabTo(page, '[aria-label="Move prune up"]', 'Shift+Tab');
    await press('Enter');
    await shows('#pass-list', '1. prune');
    expect(await text(':focus')).toBe('Remove'); // of what moved
    await press('Enter');
    expect(await text('#pass-list')).not.toContain('prune');
    await tabTo(page, '#pass-list label:first-child input', 'Shift+Tab'); // weights
    await typeOver(page, '1');
    await shows('#pass-list .wrong', 'weights must be 2 to 8 bits, got 1');
    expect(await page.isDisabled('#compress')).toBe(true);
    expect(await whatIsInaccessible(page)).toEqual([]);
    await typeOver(page, '8');

    await tabTo(page, '#compress');
    await press('Enter');
    await shows('#progress-text', 'quantize-uniform, pass 1 of 1');
    expect(await whatIsInaccessible(page)).toEqual([]); // and it answers while the worker computes
    const start = performance.now();
    await press('Enter'); // the focus went to Cancel
    await finished(page);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(await text('#error')).toBe('Cancelled.');
    expect(await page.locator(':focus').getAttribute('id')).toBe('compress');

    await tabTo(page, '#compared', 'Shift+Tab');
    await typeOver(page, String(fewer));
    await tabTo(page, '#samples', 'Shift+Tab');
    await typeOver(page, String(few));
    await tabTo(page, '#compress');
    await press('Enter');
    await shows('#result', 'of answers are the same');
    expect(await page.locator(':focus').getAttribute('id')).toBe('result-title');
    await tabTo(page, 'summary');
    await press('Enter');
    await tabTo(page, '#filter');
    await page.keyboard.type('query');
    await shows('#values', 'layer.0.attention.attention.query');
    expect(await text('#values')).not.toContain('layer.0.attention.attention.key');
    expect(await whatIsInaccessible(page)).toEqual([]);

    await tabTo(page, '#download', 'Shift+Tab');
    const [download] = await Promise.all([page.waitForEvent('download'), press('Enter')]);
    await download.saveAs(zip);
    await tabTo(page, '#pad');
    for (let i = 0; i < 7; i++) await press('ArrowUp');
    await press('Space');
    for (let i = 0; i < 14; i++) await press('ArrowDown');
    await press('Space');
    await shows('#verdict', /Both|differ/);
    expect(await text('#float-answer li:first-child')).toMatch(/^1/);
    expect(await tabOut(page)).toBe(2);
    expect(await tabOut(page)).toBeGreaterThan(20); // all of the page, from its first to its last
  },
);

inChromium(
  'digits compressed to int8 in the page are those of Node, to the bit, on wasm and WebGL; WebGPU says what it lacks',
  async () => {
    const shown = await comparison(page);
    const wanted = await evaluate(await int8Digits(), held());
    expect(shown[`correct of ${fewer}`]![1]).toBe(String(wanted.correct));
    expect(shown['fingerprint of outputs']![1]).toBe(shortened(wanted.logitsSha256));

    const [float, webgl] = await fingerprints(page, 'webgl');
    expect(float).not.toBe(webgl);
    expect(await text('#comparison')).toContain('on WebGL, 20 examples');
    expect(webgl).toBe(shortened(wanted.logitsSha256));
    await page.selectOption('#backend', 'webgpu');
    await shows('#backend-note', 'WebGPU: this browser has no adapter for it. Shown on WebAssembly instead.');
    expect(await page.inputValue('#backend')).toBe('wasm');
    expect((await comparison(page))['fingerprint of outputs']![1]).toBe(webgl);
  },
);

/** What the page calls the fingerprint of all outputs. */
async function fingerprintOf(model: GraphModel, data: Dataset): Promise<string> {
  const digest = sequenceDigest(data.size);
  let at = 0;
  for await (const { inputs } of data.batches(1)) {
    const { shape, data } = inputs['pixel_values']!;
    const pixels = tensor(data, [...shape]);
    const logits = model.predict(pixels) as Tensor;
    await digest.set(at++, (await logits.data()) as Float32Array);
    pixels.dispose();
    logits.dispose();
  }
  return shortened(await digest.hex());
}

/** Folders of a model or of data, with these files. */
function folderOf(name: string, files: Iterable<readonly [string, string | Uint8Array]>): string {
  const folder = join(scratch, name);
  for (const [file, content] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
  return folder;
}

inChromium(
  'the downloaded zip, unpacked, gives the same logits in Node and dropped into the page; so does the zip',
  async () => {
    const { unzipSync } = createRequire(join(__dirname, '../examples/playground/package.json'))('fflate') as Fflate;
    const folder = folderOf('unpacked', Object.entries(unzipSync(readFileSync(zip))));
    const model = await loadGraphModel(fromFolder(folder));
    const before = (await comparison(page))['fingerprint of outputs']![1]!;
    expect(await fingerprintOf(model, held())).toBe(before);

    const pictures: [string, Uint8Array][] = [];
    let csv = 'file,label\n';
    for await (const { inputs, labels } of held().batches(1)) {
      const bytes = Buffer.from(Array.from(inputs['pixel_values']!.data, (value) => Math.round((value + 1) * 127.5)));
      const name = `${String(pictures.length).padStart(2, '0')}.png`;
      const picture = sharp(bytes, { raw: { width: 28, height: 28, channels: 1 } });
      pictures.push([name, await picture.png().toBuffer()]);
      csv += `${name},${labels![0]}\n`;
    }
    const photos = folderOf('pictures', [...pictures, ['labels.csv', csv]]);
    const { preprocessing, labels } = fromArtifacts(readArtifacts(folder)).metadata;
    const images = await imageFolder(photos, {
      ...{ preprocessing: parsePreprocessing(preprocessing, zip), input: 'pixel_values', labels: labels! },
    });
    const wanted = await fingerprintOf(model, images);
    model.dispose();
    for (const given of [folder, zip]) {
      await drop(page, '#model', given);
      await shows('#model-info', 'compressed already');
      expect(await whatIsInaccessible(page)).toEqual([]);
      await drop(page, '#data', photos);
      await shows('#data-info', `pictures: ${fewer} examples, with labels`);
      await page.click('#compress:text("Measure")');
      await finished(page);
      expect((await comparison(page))['fingerprint of outputs']![1]).toBe(wanted);
      await page.click('#use-digits');
      await shows('#model-info', 'Digits ViT');
    }
  },
);

inChromium(
  'a graph model in shards and images, dropped, are compressed as Node does; an image beside them is answered',
  async () => {
    const preprocessing = {
      ...{ do_resize: true, size: { height: 32, width: 32 }, resample: 2, do_rescale: true, rescale_factor: 1 / 255 },
      ...{ do_normalize: true, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
    };
    const vit = await importHuggingFace(fixture('vit'));
    const packed = modelFiles(pack(vit, { ...vit.metadata, preprocessing }));
    const json = packed.get('model.json') as string;
    const bytes = packed.get('group1-shard1of1.bin') as Uint8Array;
    const folder = folderOf('graph-model', [
      ['model.json', json.replace('"group1-shard1of1.bin"', '"group1-shard1of2.bin","group1-shard2of2.bin"')],
      ['group1-shard1of2.bin', bytes.subarray(0, 50_000)],
      ['group1-shard2of2.bin', bytes.subarray(50_000)],
    ]);
    const noise = async (seed: number): Promise<Uint8Array> =>
      sharp(Buffer.from(Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * i * (seed + 3)) % 251)), {
        raw: { width: 32, height: 32, channels: 3 },
      })
        .png()
        .toBuffer();
    const images = await Promise.all(
      range(0, 8).map(async (i) => [`LABEL_${i % 2}/${i}.png`, await noise(i)] as const),
    );
    const photos = folderOf('photos', images);

    await drop(page, '#model', folder);
    await shows('#model-info', 'graph-model: image-classification');
    await drop(page, '#data', photos);
    await shows('#data-info', 'photos: 8 examples, with labels');
    await page.fill('#samples', '6');
    await page.click('#compress');
    await finished(page);

    const model = fromArtifacts(readArtifacts(folder));
    const labels = model.metadata.labels!;
    const data = await imageFolder(photos, {
      ...{ preprocessing: parsePreprocessing(preprocessing, 'test'), input: 'pixel_values', labels },
    });
    const { graph } = await compress(model, int8(), { calibration: subset(data, range(0, 6)) });
    const { logitsSha256 } = await evaluate(lower(graph).graph, subset(data, [6, 7]));
    expect((await comparison(page))['fingerprint of outputs']![1]).toBe(shortened(logitsSha256));
    await drop(page, '#try', join(photos, 'LABEL_0/0.png'));
    await shows('#verdict', /Both|differ/);
  },
);

inChromium(
  'a Hugging Face model for texts and a file of texts, dropped, are compressed; a text is answered',
  async () => {
    const tokenizers = join(__dirname, '../packages/data/test/golden/tokenizers/wordpiece');
    const tokenizer = JSON.parse(readFileSync(join(tokenizers, 'tokenizer.json'), 'utf8')) as Tokenizer;
    const known = Object.entries(tokenizer.model.vocab).filter(([, id]) => id < 99); // what the fixture embeds
    const model = { ...tokenizer.model, vocab: Object.fromEntries(known) };
    const folder = folderOf('bert', [['tokenizer.json', JSON.stringify({ ...tokenizer, model })]]);
    cpSync(join(tokenizers, 'tokenizer_config.json'), join(folder, 'tokenizer_config.json'));
    cpSync(fixture('bert'), folder, { recursive: true });
    const lines = range(0, 10).map((i) => `"the ${'quick fox '.repeat(i % 3)}, and ${i}",${i % 2}`);
    const texts = folderOf('texts', [['texts.csv', ['text,label', ...lines].join('\n')]]);

    await drop(page, '#data', texts);
    await shows('#data-error', 'images are expected');
    await drop(page, '#model', texts);
    await shows('#model-error', 'model.json, or config.json with model.safetensors, is expected');
    expect(await whatIsInaccessible(page)).toEqual([]);
    await drop(page, '#model', folder);
    await shows('#model-info', 'bert: text-classification');
    await drop(page, '#data', join(texts, 'texts.csv'));
    await shows('#data-info', 'texts.csv: 10 examples, with labels');
    await page.fill('#samples', '8');
    await page.click('#compress');
    await finished(page);
    expect(Object.keys(await comparison(page))).toContain('correct of 2');
    await page.fill('#text', 'the quick fox');
    await page.click('#read');
    await shows('#verdict', /Both|differ/);
    expect(await whatIsInaccessible(page)).toEqual([]);
  },
);

inChromium('h-vit gives the same bits on wasm and WebGL', async () => {
  await page.click('#use-digits');
  await shows('#model-info', 'Digits ViT');
  await page.selectOption('#recipe', 'h-vit');
  await page.fill('#samples', String(few));
  await page.click('#compress');
  await finished(page);
  const [, webgl] = await fingerprints(page, 'webgl');
  const [, wasm] = await fingerprints(page, 'wasm');
  expect(webgl).toBe(wasm);
});

inChromium(
  'a file that misses the sections does not take the place of the page; nothing was asked for since its load',
  async () => {
    await drop(page, 'h1', zip);
    await compared(page);
    expect(await page.title()).toBe('@cq playground');
    expect(site.requests()).toEqual(atFirst);
  },
);

inChromium('it works when the server is gone', async () => {
  site.stopServing();
  await page.reload();
  await page.getByText('it works offline now').waitFor({ timeout: 30_000 });
  await page.fill('#compared', String(fewer));
  await page.click('#compress');
  await finished(page);
  expect((await comparison(page))[`correct of ${fewer}`]).toBeDefined();
});
