import '@cq/backend-wasm/register';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import {
  build,
  compress,
  edit,
  executor,
  fit,
  fused,
  pack,
  quantizeUniform,
  randomOf,
  withMask,
  type Batch,
  type Dataset,
  type Graph,
} from '@cq/core';
import * as tf from '@tensorflow/tfjs-core';
import { objective, type Gradients } from '../packages/core/src/objective.ts';
import { tinyViT } from './tiny-vit.ts';

const images: Dataset = {
  name: 'noise',
  size: 6,
  async *batches(batchSize, indices = [0, 1, 2, 3, 4, 5]) {
    for (let at = 0; at < indices.length; at += batchSize) yield noise(indices.slice(at, at + batchSize));
  },
};

function noise(indices: readonly number[]): Batch {
  const data = indices.flatMap((index) => {
    const random = randomOf(index);
    return Array.from({ length: 3 * 8 * 8 }, () => random.uniform());
  });
  return { inputs: { pixels: { dtype: 'float32', shape: [indices.length, 3, 8, 8], data: Float32Array.from(data) } } };
}

const parametersOf = (graph: Graph): Map<string, Float32Array> =>
  new Map([...graph.weights].flatMap(([name, { data }]) => (data instanceof Float32Array ? [[name, data]] : [])));

const [output] = tinyViT({}, 1).outputs.map(({ value }) => value);
const options = {
  values: [output!],
  loss: ({ values }: { values: Readonly<Record<string, tf.Tensor>> }) => loss(values),
};
const loss = (values: Readonly<Record<string, tf.Tensor>>): tf.Tensor =>
  tf.mean(tf.square(tf.sub(values[output!]!, 0.3)));

async function gradients(backend: string, graph: Graph): Promise<Gradients> {
  await tf.setBackend(backend);
  const { numTensors } = tf.memory();
  const model = objective(graph, options);
  const found = await model.gradients(parametersOf(graph), noise([0, 1]), { step: 0, steps: 1, random: randomOf(1) });
  model.dispose();
  expect(tf.memory().numTensors).toBe(numTensors);
  return found;
}

test.each([false, true])(
  'a ViT has the same values and gradients on wasm and on cpu, tanh in its gelu: %s',
  async (approximateGelu) => {
    const graph = tinyViT({ approximateGelu }, 1);
    const [wasm, cpu] = [await gradients('wasm', graph), await gradients('cpu', graph)];
    expect(wasm.loss).toBeCloseTo(cpu.loss, 5);
    for (const [name, values] of cpu.gradients) {
      const size = Math.max(1e-2, ...values.map(Math.abs)); // that of a key's bias is nothing but rounding
      wasm.gradients.get(name)!.forEach((value, i) => expect(Math.abs(value - values[i]!)).toBeLessThan(1e-5 * size));
    }
  },
);

test('they are those of small differences', async () => {
  const graph = tinyViT({ blocks: 1, side: 2, patch: 4 }, 2);
  const found = await gradients('wasm', graph);
  const parameters = parametersOf(graph);
  const model = objective(graph, options);
  for (const [name, values] of parameters) {
    for (const i of [0, values.length >> 1, values.length - 1]) {
      const at = (change: number): Promise<number> =>
        model.loss(
          new Map(parameters).set(
            name,
            values.map((value, j) => (j === i ? value + change : value)),
          ),
          noise([0, 1]),
        );
      const slope = ((await at(1e-2)) - (await at(-1e-2))) / 2e-2;
      expect(Math.abs(found.gradients.get(name)![i]! - slope)).toBeLessThan(2e-3);
    }
  }
  model.dispose();
});

test('masks and quantizers train too: gradients flow to scales, and no further than the mask', async () => {
  await tf.setBackend('cpu');
  const plain = tinyViT({}, 3);
  const name = [...plain.weights.keys()].find((weight) => weight.endsWith('widen/weight'))!;
  const masked = withMask(plain, name, plain.weights.get(name)!.data.map((_, i) => i % 2) as Float32Array);
  const { graph } = await compress(masked, [quantizeUniform({ weights: 4, activations: 6 })], { calibration: images });
  const [wasm, cpu] = [await gradients('wasm', graph), await gradients('cpu', graph)];
  wasm.gradients.get(name)!.forEach((value, i) => i % 2 === 0 && expect(value).toBeCloseTo(0, 10));
  // A value within a rounding of a half goes to either side: a few elements differ by a step, the whole does not.
  let [error, size] = [0, 0];
  for (const [parameter, values] of cpu.gradients) {
    wasm.gradients.get(parameter)!.forEach((value, i) => (error += (value - values[i]!) ** 2));
    values.forEach((value) => (size += value ** 2));
  }
  expect(Math.sqrt(error / size)).toBeLessThan(0.05);
  const scales = [...wasm.gradients].filter(([parameter]) => parameter.endsWith('/scale'));
  expect(scales.length).toBeGreaterThan(10);
  for (const [, values] of scales) expect(values.some((value) => value !== 0)).toBe(true);
});

test('training on wasm gives the same bits every time, and less loss', async () => {
  await tf.setBackend('wasm');
  const graph = tinyViT({}, 4);
  const parameters = [...parametersOf(graph).keys()];
  const train = () =>
    fit(graph, { ...options, parameters, data: images, steps: 20, batchSize: 3, rate: 3e-3, seed: 1 });
  const [first, second] = [await train(), await train()];
  expect(parametersOf(second.graph)).toEqual(parametersOf(first.graph));
  const before = objective(graph, options);
  expect(first.loss).toBeLessThan(await before.loss(parametersOf(graph), noise([0, 1, 2])));
  before.dispose();
});

test('embeddings and convolutions train on wasm', async () => {
  const b = build();
  const random = randomOf(7);
  const weight = (name: string, ...shape: number[]): string => {
    const size = shape.reduce((product, length) => product * length, 1);
    return b.weight(
      name,
      shape,
      Float32Array.from({ length: size }, () => random.uniform() - 0.5),
    );
  };
  const ids = b.input('ids', 'int32', [-1, 4]);
  const pixels = b.input('pixels', 'float32', [-1, 8, 8, 3]);
  const axis = b.weight('axis', [], Int32Array.of(0));
  const words = b.node('words', 'GatherV2', [weight('table', 9, 5), ids, axis], { batch_dims: 0 });
  const convolution = b.node('convolution', 'Conv2D', [pixels, weight('filter', 4, 4, 3, 5)], {
    ...{ strides: [1, 4, 4, 1], padding: 'VALID', data_format: 'NHWC', dilations: [1, 1, 1, 1] },
  });
  const rows = b.node('rows', 'Reshape', [convolution, b.weight('shape', [3], Int32Array.of(-1, 4, 5))]);
  b.output('y', b.node('sum', 'Mul', [words, rows]), [-1, 4, 5]);
  const graph = b.graph();
  const batch: Batch = {
    inputs: {
      ids: { dtype: 'int32', shape: [2, 4], data: Int32Array.of(3, 0, 3, 8, 1, 3, 0, 0) },
      pixels: {
        dtype: 'float32',
        shape: [2, 8, 8, 3],
        data: Float32Array.from({ length: 384 }, () => random.uniform()),
      },
    },
  };
  const found: Gradients[] = [];
  for (const backend of ['wasm', 'cpu']) {
    await tf.setBackend(backend);
    const model = objective(graph, { values: ['sum'], loss: ({ values }) => tf.mean(tf.square(values['sum']!)) });
    found.push(await model.gradients(parametersOf(graph), batch, { step: 0, steps: 1, random: randomOf(1) }));
    model.dispose();
  }
  const [wasm, cpu] = found as [Gradients, Gradients];
  for (const [name, values] of cpu.gradients) {
    expect(values.some((value) => value !== 0)).toBe(true);
    wasm.gradients.get(name)!.forEach((value, i) => expect(value).toBeCloseTo(values[i]!, 5));
  }
});

test('composites run as single ops where the backend has them, with any number of tokens; stored models have stock ops', async () => {
  const graph = tinyViT({}, 5);
  const ops = (of: Graph) => new Set([...of.nodes.values()].map(({ op }) => op));
  await tf.setBackend('cpu');
  expect(fused(graph)).toBe(graph);
  await tf.setBackend('wasm');
  for (const op of ['CqFusedLayerNorm', 'CqFusedGelu', 'CqFusedSoftmax', 'CqFusedLogits', 'CqFusedContext']) {
    expect(ops(fused(graph))).toContain(op);
    expect(JSON.stringify(pack(graph).modelTopology)).not.toContain(op);
  }
  const varying = edit(graph, {
    nodes: [...graph.nodes.values()].flatMap((node) =>
      node.op.startsWith('Attention') ? [{ ...node, attrs: { ...node.attrs, tokens: -1 } }] : [],
    ),
  });
  const values = (of: Graph): number[] => {
    const model = executor(of);
    const [y] = model.run(noise([1, 2]).inputs);
    const data = [...y!.dataSync()];
    y!.dispose();
    model.dispose();
    return data;
  };
  expect(values(varying)).toEqual(values(graph));
  const wasm = values(graph);
  await tf.setBackend('cpu');
  values(graph).forEach((value, i) => expect(wasm[i]!).toBeCloseTo(value, 4));
});

test('attention takes rows of tokens in two axes as well as in three', async () => {
  const [heads, depth, tokens] = [2, 3, 4];
  const shape = { heads, depth, tokens };
  const b = build();
  const rows = b.input('rows', 'float32', [-1, heads * depth]);
  const logits = b.node('logits', 'AttentionLogits', [rows, rows], { ...shape, factor: 0.5 });
  const context = b.node('context', 'AttentionContext', [b.node('softmax', 'Softmax', [logits]), rows], shape);
  b.output('y', context, [-1, tokens, heads * depth]);
  const data = Float32Array.from({ length: 2 * tokens * heads * depth }, (_, i) => Math.sin(i));
  const results: Float32Array[] = [];
  for (const backend of ['wasm', 'cpu']) {
    await tf.setBackend(backend);
    const model = executor(b.graph());
    const [y] = model.run({ rows: { dtype: 'float32', shape: [2 * tokens, heads * depth], data } });
    expect(y!.shape).toEqual([2, tokens, heads * depth]);
    results.push(y!.dataSync() as Float32Array);
    y!.dispose();
    model.dispose();
  }
  results[0]!.forEach((value, i) => expect(value).toBeCloseTo(results[1]![i]!, 5));
});
