import '@tensorflow/tfjs-backend-cpu';
import { join } from 'node:path';
import {
  blocks,
  compress,
  executor,
  numberAttr,
  quantizeUniform,
  verify,
  type ArrayTensor,
  type Graph,
} from '@cq/core';
import { student } from '@cq/distill';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import { noiseImages } from './noise-images.ts';
import { tinyViT } from './tiny-vit.ts';

beforeAll(() => setBackend('cpu'));

const fixture = (name: string): Promise<Graph> => importHuggingFace(join(__dirname, 'fixtures/parity', name));
const shapeOf = (graph: Graph, name: string): readonly number[] => graph.weights.get(name)!.shape;

function outputOf(graph: Graph, inputs: Readonly<Record<string, ArrayTensor>>): number[] {
  const model = executor(graph);
  const [output] = model.run(inputs);
  const values = [...output!.dataSync()];
  output!.dispose();
  model.dispose();
  return values;
}

const pixels: ArrayTensor = {
  dtype: 'float32',
  shape: [1, 3, 8, 8],
  data: Float32Array.from({ length: 192 }, (_, i) => Math.sin(i)),
};

test('blocks that change nothing can be left out', () => {
  const teacher = tinyViT({ blocks: 3 }, 1);
  const idle = new Map(teacher.weights);
  for (const [name, weight] of teacher.weights) {
    if (/block1\/(output|narrow)\//.test(name))
      idle.set(name, { ...weight, data: new Float32Array(weight.data.length) });
  }
  const graph = { ...teacher, weights: idle };
  const smaller = student(graph, { layers: [0, 2] });
  expect(blocks(smaller).length).toBe(2);
  expect([...smaller.weights.keys()].some((name) => name.startsWith('block1/'))).toBe(false);
  outputOf(smaller, { pixels }).forEach((value, i) => expect(value).toBeCloseTo(outputOf(graph, { pixels })[i]!, 5));
});

test('6 of 12 layers are those that DistilBERT took', () => {
  const teacher = tinyViT({ blocks: 12, hidden: 4 }, 1);
  const { weights } = student(teacher, { layers: 6 });
  const kept = new Set([...weights.keys()].flatMap((name) => /^block(\d+)/.exec(name)?.[1] ?? []));
  expect([...kept]).toEqual(['0', '2', '4', '7', '9', '11']);
});

test('channels and heads without effect are those that go', () => {
  const teacher = tinyViT({ blocks: 1, hidden: 8, heads: 4 }, 2);
  const idle = (name: string, keep: (row: number, column: number) => boolean): void => {
    const weight = teacher.weights.get(name)!;
    const columns = weight.shape.at(-1)!;
    const data = weight.data.map((value, i) =>
      keep(Math.floor(i / columns), i % columns) ? value : 0,
    ) as Float32Array;
    (teacher.weights as Map<string, typeof weight>).set(name, { ...weight, data });
  };
  for (const part of ['query', 'key', 'value']) {
    idle(`block0/${part}/weight`, (_, column) => column >= 4);
    idle(`block0/${part}/bias`, (_, column) => column >= 4);
  }
  idle('block0/output/weight', (row) => row >= 4);
  const smaller = student(teacher, { heads: 2 });
  expect(shapeOf(smaller, 'block0/query/weight')).toEqual([8, 4]);
  expect(shapeOf(smaller, 'block0/output/weight')).toEqual([4, 8]);
  const [logits] = [...smaller.nodes.values()].filter(({ op }) => op === 'AttentionLogits');
  expect(numberAttr(logits!, 'heads')).toBe(2);
  outputOf(smaller, { pixels }).forEach((value, i) => expect(value).toBeCloseTo(outputOf(teacher, { pixels })[i]!, 5));
});

test.each(['vit', 'bert', 'distilbert', 'deit-distilled'])(
  '%s at half width and depth runs, with its own outputs',
  async (name) => {
    const teacher = await fixture(name);
    const all = blocks(teacher).length;
    const gamma = [...teacher.nodes.values()].find(({ op }) => op === 'LayerNorm')!.inputs[1]!;
    const hidden = shapeOf(teacher, gamma)[0]! / 2;
    const smaller = student(teacher, { hidden, layers: Math.ceil(all / 2) });
    verify(smaller, 'student');
    expect(shapeOf(smaller, gamma)).toEqual([hidden]);
    expect(smaller.inputs).toEqual(teacher.inputs);
    expect(smaller.outputs).toEqual(teacher.outputs);
    const inputs = Object.fromEntries(
      teacher.inputs.map(({ name: input, dtype, shape }): [string, ArrayTensor] => {
        const sizes = shape.map((size, axis) => (size >= 0 ? size : axis === 0 ? 1 : 5));
        const length = sizes.reduce((product, size) => product * size, 1);
        const data = dtype === 'int32' ? new Int32Array(length).fill(1) : new Float32Array(length).fill(0.5);
        return [input, { dtype: dtype as 'int32', shape: sizes, data }];
      }),
    );
    const [output] = teacher.outputs;
    const values = outputOf(smaller, inputs);
    expect(values.every(Number.isFinite)).toBe(true);
    expect(values.length).toBe(output!.shape.reduce((size, length) => size * Math.abs(length), 1));
  },
);

test('a student of the seed has the shape of the one of the teacher, and other weights', () => {
  const teacher = tinyViT({}, 3);
  const [own, random] = [student(teacher, { layers: 1 }), student(teacher, { layers: 1, initialise: 'seed', seed: 5 })];
  expect([...random.weights.keys()]).toEqual([...own.weights.keys()]);
  expect([...random.weights.get('block0/before/gamma')!.data]).toEqual(new Array(16).fill(1));
  expect([...random.weights.get('block0/query/bias')!.data]).toEqual(new Array(16).fill(0));
  const { data } = random.weights.get('block0/widen/weight')!;
  const deviation = Math.sqrt((data as Float32Array).reduce((sum, value) => sum + value ** 2, 0) / data.length);
  expect(deviation).toBeGreaterThan(0.018);
  expect(deviation).toBeLessThan(0.022);
  expect(student(teacher, { layers: 1, initialise: 'seed', seed: 5 }).weights.get('head/weight')).toEqual(
    random.weights.get('head/weight'),
  );
});

test('what cannot be is refused by what breaks it', async () => {
  const teacher = tinyViT({}, 3);
  expect(() => student(teacher, { layers: 5 })).toThrow(/layers must be 1 to 2.*got 5/);
  expect(() => student(teacher, { hidden: 64 })).toThrow('student: hidden must be from 1 to 16, got 64');
  expect(() => student(teacher, { heads: 3 })).toThrow('student: heads must be from 1 to 2, got 3');
  const { graph } = await compress(teacher, [quantizeUniform()], { calibration: noiseImages(2, 8, 'pixels') });
  expect(() => student(graph, { layers: 1 })).toThrow(/make the student of the float model/);
});
