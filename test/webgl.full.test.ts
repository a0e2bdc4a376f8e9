import '@cq/backend-wasm';
import '@cq/backend-wasm/register';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compress, int8, lower, quantizeUniform, subset, type Dataset, type Graph, type Pass } from '@cq/core';
import { imageFolder, parsePreprocessing } from '@cq/data';
import { importHuggingFace } from '@cq/import-hf';
import { hVit } from '@cq/quant-pot';
import { setBackend } from '@tensorflow/tfjs-core';
import { digits } from '../examples/classify-digits/src/digits.ts';
import { chromiumPath, openPage, type Browser } from '../packages/backend-webgl/src/testing/page.ts';
import type { PageFunctions } from '../packages/backend-webgl/src/testing/page-script.ts';
import { expectSameBytes, load, sendAll } from './webgl-models.ts';

declare const cq: PageFunctions;

const chromium = chromiumPath();
if (!chromium) console.log('webgl: no Chromium on the search path; set CHROMIUM. Real models are not compared.');
const inChromium = chromium ? test : test.skip;
const shared = join(__dirname, '../../shared');
const deit = join(shared, 'models/deit-tiny-patch16-224');
if (!existsSync(deit)) console.log('webgl: no ../shared/models; DeiT-Tiny is not compared.');
const withDeit = existsSync(deit) ? inChromium : test.skip;

jest.setTimeout(600_000);

let browser: Browser;
beforeAll(async () => {
  await setBackend('wasm');
  if (!chromium) return;
  browser = await openPage(chromium);
  browser.page.setDefaultTimeout(0);
});
afterAll(() => browser?.close());

const range = (count: number): number[] => [...Array(count).keys()];

inChromium.each([
  ['int8', int8],
  ['h-vit', hVit],
] as const)('the digits model by %s gives the logits of wasm for ten digits', async (name, recipe) => {
  const { training, evaluation } = digits();
  const model = await importHuggingFace(join(__dirname, '../examples/classify-digits/model'));
  const { graph } = await compress(model, recipe(), { calibration: subset(training, range(32)) });
  await expectSameBytes(browser, lower(graph).graph, `digits-${name}`, evaluation, range(10));
});

withDeit(
  'DeiT-Tiny gives ten photos the logits of wasm; its weights take at most 0.28 (int8) and 0.15 (4 bits) of float',
  async () => {
    const model = await importHuggingFace(deit);
    const [calibration, validation] = await Promise.all(
      ['imagenet-calibration-1000', 'imagenet-val-650'].map((name) => photos(model, name)),
    );
    await load(browser, model, 'float');
    for await (const { inputs } of validation!.batches(1, [0])) {
      await browser.page.evaluate((inputs) => cq.predict(inputs), sendAll(inputs));
    }
    const float = await browser.page.evaluate(() => cq.stockWeightBytes());
    await browser.page.evaluate(() => cq.dispose());
    const share = async (name: string, passes: readonly Pass[], count: number): Promise<number> => {
      const { graph } = await compress(model, passes, { calibration: subset(calibration!, range(8)) });
      const bytes = await expectSameBytes(browser, lower(graph).graph, name, validation!, range(count));
      console.log(
        `webgl: DeiT-Tiny ${name}: ${bytes} bytes of weight textures, ${(bytes / float).toFixed(3)} of float`,
      );
      return bytes / float;
    };
    expect(await share('int8', int8(), 10)).toBeLessThanOrEqual(0.28);
    expect(await share('w4a8', [quantizeUniform({ weights: 4, activations: 8 })], 2)).toBeLessThanOrEqual(0.15);
  },
);

/** The pixels are decoded once, in Node, for both backends. */
const photos = (model: Graph, name: string): Promise<Dataset> =>
  imageFolder(join(shared, 'data', name), {
    preprocessing: parsePreprocessing(model.metadata.preprocessing, deit),
    input: 'pixel_values',
    labels: model.metadata.labels!,
  });
