import '@cq/backend-wasm';
import { compress, int8, lower, subset } from '@cq/core';
import { importHuggingFace } from '@cq/import-hf';
import { hVit } from '@cq/quant-pot';
import { setBackend } from '@tensorflow/tfjs-core';
import { chromiumPath, openPage, type Browser } from '../packages/backend-webgl/src/testing/page.ts';
import type { PageFunctions } from '../packages/backend-webgl/src/testing/page-script.ts';
import { fixture, fixtureData } from './fixture-data.ts';
import { expectSameBytes, load, sendAll } from './webgl-models.ts';

declare const cq: PageFunctions;

const chromium = chromiumPath();
if (!chromium) console.log('webgl: no Chromium on the search path; set CHROMIUM. Whole models are not compared.');
const inChromium = chromium ? test : test.skip;

let browser: Browser;
beforeAll(async () => {
  await setBackend('wasm');
  if (chromium) browser = await openPage(chromium);
});
afterAll(() => browser?.close());

inChromium.each([
  ['int8', 'vit', int8],
  ['h-vit', 'vit', hVit],
  ['int8', 'deit-distilled', int8],
  ['int8', 'bert', int8],
  ['int8', 'distilbert', int8],
  ['int8', 'swin', int8],
  ['int8', 'yolos', int8],
] as const)('%s on %s gives the logits of wasm', async (_, architecture, recipe) => {
  const model = await importHuggingFace(fixture(architecture));
  const data = await fixtureData(architecture, 8);
  const { graph } = await compress(model, recipe(), { calibration: subset(data, [0, 1, 2, 3, 4, 5]) });
  await expectSameBytes(browser, lower(graph).graph, `${recipe.name}-${architecture}`, data, [6, 7]);
});

inChromium('a lost context gives one clear error, and the next load works', async () => {
  const model = await importHuggingFace(fixture('vit'));
  const data = await fixtureData('vit', 8);
  const { graph } = await compress(model, int8(), { calibration: data });
  const lowered = lower(graph).graph;
  await load(browser, lowered, 'lost');
  for await (const { inputs } of data.batches(1, [7])) {
    await browser.page.evaluate(() => cq.loseContext());
    const lost = browser.page.evaluate((inputs) => cq.predict(inputs), sendAll(inputs));
    await expect(lost).rejects.toThrow('the browser took the graphics context away');
    await browser.page.evaluate(() => cq.recover());
  }
  await expectSameBytes(browser, lowered, 'again', data, [7]);
});
