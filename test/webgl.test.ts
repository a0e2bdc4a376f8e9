import '@cq/backend-wasm';
import { join } from 'node:path';
import { compress, executor, int8, lower, pack, type ArrayTensor, type Dataset, type Graph } from '@cq/core';
import { modelFiles } from '@cq/core/node';
import { importHuggingFace } from '@cq/import-hf';
import { hVit } from '@cq/quant-pot';
import { setBackend } from '@tensorflow/tfjs-core';
import { digits } from '../examples/classify-digits/src/digits.ts';
import { chromiumPath, openPage, type Browser } from '../packages/backend-webgl/src/testing/page.ts';
import type { PageFunctions, Sent } from '../packages/backend-webgl/src/testing/page-script.ts';
import { fixture, fixtureData } from './fixture-data.ts';

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

const send = ({ dtype, shape, data }: ArrayTensor): Sent => ({
  dtype,
  shape,
  bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
});

/** Loads the model in the page, and compares the bytes of its first output with those of the wasm kernels. */
async function expectSameBytes(graph: Graph, name: string, examples: Dataset, indices: number[]): Promise<void> {
  for (const [file, content] of modelFiles(pack(graph))) browser.share(`${name}/${file}`, content);
  const before = await browser.page.evaluate(() => cq.memory());
  await browser.page.evaluate((url) => cq.load(url), `/shared/${name}/model.json`);
  const model = executor(graph);
  for await (const { inputs } of examples.batches(1, indices)) {
    const sent = Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, send(input)]));
    const given = await browser.page.evaluate((inputs) => cq.predict(inputs), sent);
    const outputs = model.run(inputs);
    const data = outputs[0]!.dataSync<'float32'>();
    const wanted = send({ dtype: 'float32', shape: outputs[0]!.shape, data });
    for (const output of outputs) output.dispose();
    expect(given).toEqual(wanted);
  }
  model.dispose();
  const loaded = await browser.page.evaluate(() => cq.memory());
  expect(loaded.readBacks).toBe(before.readBacks); // none of the codes between the layers
  expect(loaded.textures).toBeGreaterThan(before.textures);
  const used = [...graph.nodes.values()].map(({ op }) => op).filter((op) => op.startsWith('Cq'));
  expect(await browser.page.evaluate(() => cq.selfCheck())).toEqual([...new Set(used)].sort(asIn(used)));
  const spoilt = browser.page.evaluate(() => cq.selfCheckWith('CqQuantize'));
  if (used.includes('CqQuantize')) await expect(spoilt).rejects.toThrow('selfCheck: "CqQuantize"');
  await browser.page.evaluate(() => cq.dispose());
  const { textures, tensors } = await browser.page.evaluate(() => cq.memory());
  expect({ textures, tensors }).toEqual({
    ...{ textures: before.textures, tensors: before.tensors },
  });
}

const asIn = (order: readonly string[]) => (a: string, b: string) => order.indexOf(a) - order.indexOf(b);

inChromium.each([
  ['int8', int8],
  ['h-vit', hVit],
] as const)(
  'the digits model by %s gives the logits of wasm, and no code comes back between its layers',
  async (name, recipe) => {
    const { training, evaluation } = digits();
    const model = await importHuggingFace(join(__dirname, '../examples/classify-digits/model'));
    const calibration = {
      ...training,
      size: 32,
      batches: (size: number) => training.batches(size, [...Array(32).keys()]),
    };
    const { graph } = await compress(model, recipe(), { calibration });
    await expectSameBytes(lower(graph).graph, `digits-${name}`, evaluation, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  },
);

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
  const calibration = { ...data, size: 6, batches: (size: number) => data.batches(size, [0, 1, 2, 3, 4, 5]) };
  const { graph } = await compress(model, recipe(), { calibration });
  await expectSameBytes(lower(graph).graph, `${recipe.name}-${architecture}`, data, [6, 7]);
});

inChromium('a lost context gives one clear error, and the next load works', async () => {
  const model = await importHuggingFace(fixture('vit'));
  const data = await fixtureData('vit', 8);
  const { graph } = await compress(model, int8(), { calibration: data });
  const lowered = lower(graph).graph;
  for (const [file, content] of modelFiles(pack(lowered))) browser.share(`lost/${file}`, content);
  await browser.page.evaluate(() => cq.load('/shared/lost/model.json'));
  for await (const { inputs } of data.batches(1, [7])) {
    const sent = Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, send(input)]));
    await browser.page.evaluate(() => cq.loseContext());
    const lost = browser.page.evaluate((inputs) => cq.predict(inputs), sent);
    await expect(lost).rejects.toThrow('the browser took the graphics context away');
    await browser.page.evaluate(() => cq.recover());
  }
  await expectSameBytes(lowered, 'again', data, [7]);
});
