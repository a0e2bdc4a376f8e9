import '@tensorflow/tfjs-backend-cpu';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as core from '@cq/core';
import { importHuggingFace } from '@cq/import-hf';
import { memory } from '@tensorflow/tfjs-core';
import { exportedPasses, packages } from './exported-passes.ts';
import { noiseImages } from './noise-images.ts';

const { compress, lower, pack, quantizerOf, withFakeQuantize, withMask } = core;
const fixture = join(__dirname, 'fixtures/parity/vit');

const images = noiseImages(4, 32);

const data = { calibration: images, training: images, evaluation: images };

/** Everything of a graph that a pass could change. */
function digest(graph: core.Graph): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([[...graph.nodes], graph.inputs, graph.outputs, graph.metadata]));
  for (const { name, dtype, shape, data: values } of graph.weights.values()) {
    hash.update(JSON.stringify([name, dtype, shape]));
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

const packedBytes = (graph: core.Graph): string => {
  const { weightData, ...rest } = pack(lower(graph).graph);
  return createHash('sha256')
    .update(JSON.stringify(rest))
    .update(new Uint8Array(weightData as ArrayBuffer))
    .digest('hex');
};

test('every pass that is exported is here', () => {
  const exported = packages.flatMap((all) =>
    Object.entries(all).filter(([, value]) => typeof value === 'function' && 'passName' in value),
  );
  expect(exported.map(([name]) => name).sort()).toEqual(Object.keys(exportedPasses).sort());
});

describe.each(Object.entries(exportedPasses))('%s', (_, { factory, options = {}, idle = {}, before: prior = [] }) => {
  let model: core.Graph;
  let before: string;
  let first: Awaited<ReturnType<typeof compress>>;
  beforeAll(async () => {
    model = (await compress(await importHuggingFace(fixture), prior, data)).graph;
    before = digest(model);
    first = await compress(model, [factory(options)], data);
  });

  test('1: its input stays as it was, its output is a new graph', () => {
    const { graph } = first;
    expect(digest(model)).toBe(before);
    expect(graph).not.toBe(model);
    expect(digest(graph)).not.toBe(before);
  });

  test('1: where there is nothing left to do, the very same graph comes back', async () => {
    const { graph } = first;
    const again = await compress(graph, [factory({ ...options, ...idle })], data);
    expect(again.graph).toBe(graph);
    expect(again.report.passes[0]!.changed).toEqual([]);
    expect(again.report.passes[0]!.skipped.length).toBeGreaterThan(0);
  });

  test('2: nothing is kept: a run in between changes nothing', async () => {
    const pass = factory(options);
    await compress(await importHuggingFace(join(fixture, '../deit-distilled')), [pass], data);
    expect(digest((await compress(model, [pass], data)).graph)).toBe(digest(first.graph));
  });

  test('3: inputs and outputs keep names, shapes and types', () => {
    const outside = ({ inputs, outputs }: core.Graph) => [inputs, outputs.map(({ value: __, ...rest }) => rest)];
    expect(outside(first.graph)).toEqual(outside(model));
  });

  test('4: promises made before are kept', async () => {
    const name = [...model.weights.values()].find(({ shape }) => shape.length === 2)!.name;
    const size = model.weights.get(name)!.data.length;
    const mask = Float32Array.from({ length: size }, (__, i) => i % 2);
    const promised = withFakeQuantize(withMask(model, name, mask), name, core.symmetric(8, [0.1]));
    const { graph } = await compress(promised, [factory(options)], data);
    expect(quantizerOf(graph, name)).toEqual(quantizerOf(promised, name));
    expect(graph.weights.get(core.maskOf(graph, name)!.inputs[1]!)!.data).toEqual(mask);
  });

  test('5: it says what it changed; selecting nothing is an error', async () => {
    expect(first.report.passes[0]!.changed.length).toBeGreaterThan(0);
    await expect(compress(model, [factory({ ...options, only: ['ghost'] })], data)).rejects.toThrow(
      /only "ghost" matches none/,
    );
    await expect(compress(model, [factory({ ...options, ignore: [/./] })], data)).rejects.toThrow(/selects nothing/);
  });

  test('6: the same inputs give the same bytes', async () => {
    const again = await compress(model, [factory(options)], { ...data, seed: 1 });
    expect(packedBytes(again.graph)).toBe(packedBytes(first.graph));
  });

  test('an unknown option is named, with the known ones', () => {
    expect(() => factory({ ...options, sparcity: 1 })).toThrow(/^[a-z0-9-]+: unknown option "sparcity".*It takes /);
  });

  test('no tensor is left behind, also when it fails or is aborted', async () => {
    const tensors = memory().numTensors;
    lower((await compress(model, [factory(options)], data)).graph);
    const broken = { ...images, batches: () => images.batches(1, [NaN]) };
    const spoiled = { calibration: broken, training: broken, evaluation: broken };
    const failing = compress(model, [factory(options)], spoiled);
    await (factory(options).needs.length > 0 ? expect(failing).rejects.toThrow() : failing);
    const abort = new AbortController();
    const stop = compress(model, [factory(options)], {
      ...data,
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    await expect(stop).rejects.toThrow(/abort/i);
    expect(memory().numTensors).toBe(tensors);
  });
});
