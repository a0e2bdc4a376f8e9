import '@cq/backend-wasm';
import '@tensorflow/tfjs-backend-cpu';
import {
  compress,
  executor,
  fromArtifacts,
  int8,
  int8Dynamic,
  lower,
  pack,
  w4,
  type Dataset,
  type Graph,
} from '@cq/core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { io, setBackend, tensor, type Tensor } from '@tensorflow/tfjs-core';
import { convolutionalNetwork, convolutionsAlone, definition, weights } from './converter/convolutional.ts';

const image = (seed: number): Float32Array =>
  Float32Array.from({ length: 8 * 8 * 3 }, (_, i) => Math.cos((i + 1) * (seed + 1) * 0.37));
const pictures = [0, 1, 2, 3].map(image);

const data: Dataset = {
  name: 'waves',
  size: pictures.length,
  async *batches(_, indices = pictures.map((__, i) => i)) {
    for (const index of indices) {
      const images = { dtype: 'float32', shape: [1, 8, 8, 3], data: pictures[index]! } as const;
      yield { inputs: { images }, labels: [0] };
    }
  },
};

/** The first output for all pictures. */
function outputs(graph: Graph): number[] {
  const model = executor(graph);
  const all = Float32Array.from(pictures.flatMap((picture) => [...picture]));
  const [result] = model.run({ images: { dtype: 'float32', shape: [pictures.length, 8, 8, 3], data: all } });
  const values = [...result!.dataSync()];
  result!.dispose();
  model.dispose();
  return values;
}

const largest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.each(['cpu', 'wasm'])('a convolutional network from the converter, on %s', (backend) => {
  beforeAll(() => setBackend(backend));

  test('is loaded with correct numbers', () => {
    const graph = fromArtifacts(convolutionalNetwork());
    expect(largest(outputs(graph), pictures.flatMap(definition))).toBeLessThan(1e-5);
  });

  test.each([
    ['int8', int8],
    ['int8-dynamic', int8Dynamic],
    ['w4', w4],
  ])('%s quantizes its dense layer; the convolutions stay as they are, bit by bit', async (_, recipe) => {
    const model = fromArtifacts(convolutionalNetwork());
    const { graph, report } = await compress(model, recipe(), { calibration: data });
    const { graph: lowered } = lower(graph);
    expect(report.passes[0]!.changed.map(({ value }) => value)).toContain('dense/kernel');
    expect([...lowered.nodes.values()].some(({ op }) => /^Cq\w*Linear$/.test(op))).toBe(true);

    const artifacts = pack(lowered);
    const packed = fromArtifacts(artifacts);
    for (const { name, shape, data } of Object.values(weights)) {
      if (!name.startsWith('dense/')) expect(packed.weights.get(name)).toEqual({ name, dtype: 'float32', shape, data });
    }
    expect(packed.weights.has('dense/kernel')).toBe(false);
    const [kept, original] = [packed, model].map(({ nodes }) =>
      [...nodes.values()].filter(({ op }) => /Conv|Norm|Pool|Relu|Mean/.test(op)),
    );
    const withoutTypes = original!.map((node) => ({
      ...node,
      attrs: Object.fromEntries(Object.entries(node.attrs).filter(([key]) => key !== 'T' && key !== 'Tidx')),
    }));
    expect(kept!.map(({ name, op, inputs }) => [name, op, inputs])).toEqual(
      original!.map(({ name, op, inputs }) => [name, op, inputs]),
    );
    expect(kept!.map(({ attrs }) => attrs)).toMatchObject(withoutTypes.map(({ attrs }) => ({ ...attrs })));

    const values = outputs(lowered);
    expect(largest(values, pictures.flatMap(definition))).toBeLessThan(0.02);
    const loaded = await loadGraphModel(io.fromMemory(artifacts));
    const all = tensor(
      pictures.flatMap((picture) => [...picture]),
      [pictures.length, 8, 8, 3],
    );
    const result = loaded.execute({ images: all }, 'Identity') as Tensor;
    expect([...result.dataSync()]).toEqual(values);
    for (const each of [all, result]) each.dispose();
    loaded.dispose();
  });
});

test('a model that a pass can do nothing for is refused with the way out', async () => {
  const model = fromArtifacts(convolutionsAlone());
  for (const [pass, recipe] of [
    ['quantize-uniform', int8],
    ['quantize-weights', w4],
  ] as const) {
    await expect(compress(model, recipe(), { calibration: data })).rejects.toThrow(
      `${pass}: selects nothing; this model has no value of a kind that it changes, leave the pass out`,
    );
  }
});

test('without a pass it comes out as it went in, bit by bit', async () => {
  await setBackend('cpu');
  const model = fromArtifacts(convolutionsAlone());
  const { graph } = await compress(model, [], {});
  const packed = fromArtifacts(pack(lower(graph).graph));
  expect([...packed.weights.values()]).toEqual([...model.weights.values()]);
  expect(outputs(packed)).toEqual(outputs(model));
});
