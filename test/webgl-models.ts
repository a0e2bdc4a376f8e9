import { executor, pack, type ArrayTensor, type Dataset, type Graph } from '@cq/core';
import { modelFiles } from '@cq/core/node';
import type { Browser } from '../packages/backend-webgl/src/testing/page.ts';
import type { PageFunctions, Sent } from '../packages/backend-webgl/src/testing/page-script.ts';

declare const cq: PageFunctions;

/** A tensor as it travels to a page. */
export const send = ({ dtype, shape, data }: ArrayTensor): Sent => ({
  dtype,
  shape,
  bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
});

/** All inputs of an example, likewise. */
export const sendAll = (inputs: Readonly<Record<string, ArrayTensor>>): Record<string, Sent> =>
  Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, send(input)]));

/** Loads a model in the page. */
export async function load({ page, share }: Browser, graph: Graph, name: string): Promise<void> {
  for (const [file, content] of modelFiles(pack(graph))) share(`${name}/${file}`, content);
  await page.evaluate((url) => cq.load(url), `/shared/${name}/model.json`);
}

/**
 * Loads the model in the page, and compares the bytes of its first output with those of the wasm kernels. No code may come
 * back between its layers, and `selfCheck` must see every op.
 * @returns what the weights take in textures.
 */
export async function expectSameBytes(
  browser: Browser,
  graph: Graph,
  name: string,
  examples: Dataset,
  indices: readonly number[],
): Promise<number> {
  const { page } = browser;
  const before = await page.evaluate(() => cq.memory());
  await load(browser, graph, name);
  const model = executor(graph);
  for await (const { inputs } of examples.batches(1, indices)) {
    const given = await page.evaluate((inputs) => cq.predict(inputs), sendAll(inputs));
    const outputs = model.run(inputs);
    const wanted = send({ dtype: 'float32', shape: outputs[0]!.shape, data: outputs[0]!.dataSync<'float32'>() });
    for (const output of outputs) output.dispose();
    expect(given).toEqual(wanted);
  }
  model.dispose();
  const loaded = await page.evaluate(() => cq.memory());
  const stock = await page.evaluate(() => cq.stockWeightBytes());
  expect(loaded.readBacks).toBe(before.readBacks); // none of the codes between the layers
  expect(loaded.textures).toBeGreaterThan(before.textures);
  const used = [...graph.nodes.values()].map(({ op }) => op).filter((op) => op.startsWith('Cq'));
  expect(await page.evaluate(() => cq.selfCheck())).toEqual([...new Set(used)].sort(asIn(used)));
  const spoilt = page.evaluate(() => cq.selfCheckWith('CqQuantize'));
  if (used.includes('CqQuantize')) await expect(spoilt).rejects.toThrow('selfCheck: "CqQuantize"');
  await page.evaluate(() => cq.dispose());
  const { textures, tensors } = await page.evaluate(() => cq.memory());
  expect({ textures, tensors }).toEqual({ textures: before.textures, tensors: before.tensors });
  return loaded.bytes - before.bytes + stock;
}

const asIn = (order: readonly string[]) => (a: string, b: string) => order.indexOf(a) - order.indexOf(b);
