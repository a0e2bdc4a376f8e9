import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import {
  asymmetric,
  blockInputs,
  blocks,
  build,
  capture,
  executor,
  halfBlocks,
  join,
  region,
  subgraph,
  symmetric,
  withFakeQuantize,
  type ArrayTensor,
  type Builder,
  type Dataset,
  type Graph,
} from './index.ts';
import { folderStore } from './node/index.ts';

beforeAll(() => tf.setBackend('cpu'));

const [heads, depth] = [2, 2];
const hidden = heads * depth;

function writer(b: Builder) {
  let state = 7;
  const weight = (name: string, ...shape: number[]): string => {
    const data = Float32Array.from({ length: shape.reduce((a, c) => a * c, 1) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state / 2 ** 31;
    });
    return b.weight(name, shape, data);
  };
  const dense = (name: string, x: string, inputs: number, outputs: number): string =>
    b.node(name, 'BiasAdd', [
      b.node(`${name}/product`, 'MatMul', [x, weight(`${name}/w`, inputs, outputs)]),
      weight(`${name}/b`, outputs),
    ]);
  const norm = (name: string, x: string): string =>
    b.node(name, 'LayerNorm', [x, weight(`${name}/gamma`, hidden), weight(`${name}/beta`, hidden)], { epsilon: 1e-5 });
  const attention = (name: string, x: string, mask?: string): string => {
    const [q, k, v] = ['q', 'k', 'v'].map((part) => dense(`${name}/${part}`, x, hidden, hidden)) as [
      string,
      string,
      string,
    ];
    const shape = { heads, depth, tokens: -1 };
    let logits = b.node(`${name}/logits`, 'AttentionLogits', [q, k], { ...shape, factor: 0.5 });
    if (mask !== undefined) logits = b.node(`${name}/masked`, 'AddV2', [logits, mask]);
    const p = b.node(`${name}/p`, 'Softmax', [logits]);
    return dense(`${name}/out`, b.node(`${name}/context`, 'AttentionContext', [p, v], shape), hidden, hidden);
  };
  const mlp = (name: string, x: string): string => {
    const gelu = b.node(`${name}/gelu`, 'Gelu', [dense(`${name}/up`, x, hidden, 6)], { approximate: false });
    return dense(`${name}/down`, gelu, 6, hidden);
  };
  return { weight, dense, norm, attention, mlp };
}

/** As ViT: two blocks, and a norm behind. */
function preNorm(): Graph {
  const b = build();
  const { weight, dense, norm, attention, mlp } = writer(b);
  const tokens = b.input('pixels', 'float32', [-1, 3, 5]);
  let x = b.node('embedded', 'AddV2', [dense('embed', tokens, 5, hidden), weight('positions', 1, 3, hidden)]);
  for (const i of [0, 1]) {
    const sum = b.node(`${i}/a`, 'AddV2', [attention(`${i}/attention`, norm(`${i}/before`, x)), x]);
    // Either order of the operands.
    x = b.node(`${i}/b`, 'AddV2', [sum, mlp(`${i}/mlp`, norm(`${i}/after`, sum))]);
  }
  b.output('y', dense('head', norm('norm', x), hidden, 2), [-1, 3, 2]);
  return b.graph();
}

/** As BERT: two blocks, and a mask that all of them read. */
function postNorm(): Graph {
  const b = build();
  const { dense, norm, attention, mlp } = writer(b);
  const tokens = b.input('tokens', 'float32', [-1, -1, 5]);
  const keep = b.input('keep', 'float32', [-1, 1, 1, -1]);
  const dropped = b.node('dropped', 'Sub', [keep, b.weight('one', [], Float32Array.of(1))]);
  const mask = b.node('mask', 'Mul', [dropped, b.weight('far', [], Float32Array.of(1e4))]);
  let x = norm('embedded', dense('embed', tokens, 5, hidden));
  for (const i of [0, 1]) {
    x = norm(`${i}/first`, b.node(`${i}/a`, 'AddV2', [attention(`${i}/attention`, x, mask), x]));
    x = norm(`${i}/second`, b.node(`${i}/b`, 'AddV2', [mlp(`${i}/mlp`, x), x]));
  }
  b.output('y', dense('head', x, hidden, 2), [-1, -1, 2]);
  return b.graph();
}

/** Every stream value and a few others quantized. */
const annotated = (graph: Graph): Graph =>
  ['embedded', '0/a', '0/b', '0/attention/q', '1/mlp/gelu', '0/attention/q/w', '1/mlp/up/w', 'mask']
    .filter((value) => graph.nodes.has(value) || graph.weights.has(value))
    .reduce(
      (next, value) => withFakeQuantize(next, value, value === 'mask' ? asymmetric(8, -1e4, 0) : symmetric(8, [6])),
      graph,
    );

const cuts = (found: ReturnType<typeof blocks>): string[] =>
  found.map(
    ({ kind, input, output, others }) => `${kind}: ${input} → ${output}${others.map((o) => ` (${o})`).join('')}`,
  );

test.each([
  ['float', (graph: Graph) => graph],
  ['annotated', annotated],
])('pre-norm, %s', (_, form) => {
  const graph = form(preNorm());
  expect(cuts(blocks(graph))).toEqual(['transformer: embedded → 0/b', 'transformer: 0/b → 1/b']);
  expect(cuts(halfBlocks(graph))).toEqual([
    'attention: embedded → 0/a',
    'feed-forward: 0/a → 0/b',
    'attention: 0/b → 1/a',
    'feed-forward: 1/a → 1/b',
  ]);
});

test.each([
  ['float', (graph: Graph) => graph],
  ['annotated', annotated],
])('post-norm with a mask, %s', (_, form) => {
  const graph = form(postNorm());
  expect(cuts(blocks(graph))).toEqual([
    'transformer: embedded → 0/second (mask)',
    'transformer: 0/second → 1/second (mask)',
  ]);
  expect(cuts(halfBlocks(graph))).toEqual([
    'attention: embedded → 0/first (mask)',
    'feed-forward: 0/first → 0/second',
    'attention: 0/second → 1/first (mask)',
    'feed-forward: 1/first → 1/second',
  ]);
});

test('a network without residual sums, or with sums of constants only, has no blocks', () => {
  const b = build();
  const { weight, dense } = writer(b);
  const x = b.input('x', 'float32', [-1, hidden]);
  const squared = b.node('squared', 'Mul', [x, x]);
  const sum = b.node('sum', 'AddV2', [squared, x]); // no weight on the branch
  b.output('y', b.node('biased', 'AddV2', [dense('d', sum, hidden, hidden), weight('c', hidden)]), [-1, hidden]);
  expect(blocks(b.graph())).toEqual([]);
});

/** Examples of the sizes given, tokens alike within one. */
function dataset(graph: Graph, sizes: readonly number[]): Dataset {
  const noise = (shape: number[], seed: number): ArrayTensor => ({
    dtype: 'float32',
    shape,
    data: Float32Array.from({ length: shape.reduce((a, c) => a * c, 1) }, (_, i) => Math.sin(seed * 3 + i * 1.7)),
  });
  return {
    name: 'noise',
    size: sizes.length,
    async *batches(batchSize, indices = sizes.map((_, i) => i)) {
      for (let start = 0; start < indices.length; start++) {
        const i = indices[start]!;
        void batchSize;
        const all: Record<string, ArrayTensor> = {
          pixels: noise([1, 3, 5], i),
          tokens: noise([1, sizes[i]!, 5], i),
          keep: {
            dtype: 'float32',
            shape: [1, 1, 1, sizes[i]!],
            data: Float32Array.from({ length: sizes[i]! }, (_, t) => (t < 2 ? 1 : 0)),
          },
        };
        yield { inputs: Object.fromEntries(graph.inputs.map(({ name }) => [name, all[name]!])), labels: [i] };
      }
    },
  };
}

async function all(data: Dataset, batchSize = 1) {
  const found: Record<string, number[]>[] = [];
  for await (const { inputs } of data.batches(batchSize))
    found.push(Object.fromEntries(Object.entries(inputs).map(([name, { data: values }]) => [name, [...values]])));
  return found;
}

test.each([
  ['pre-norm', preNorm, [3, 3, 3]],
  ['post-norm', postNorm, [3, 5, 4]],
])('blocks run one after the other are the model: %s', async (_, make, sizes) => {
  for (const graph of [make(), annotated(make())]) {
    const before = tf.memory().numTensors;
    const data = dataset(graph, sizes);
    const [first, second] = blocks(graph) as [ReturnType<typeof blocks>[number], ReturnType<typeof blocks>[number]];
    const start = await blockInputs(graph, first, data);
    const middle = await capture(
      subgraph(graph, first, start.inputs),
      Object.fromEntries([second.input, ...second.others].map((name) => [name, name])),
      start,
    );
    const end = await capture(subgraph(graph, second, middle.inputs), { end: second.output }, middle);
    const whole = await capture(graph, { end: second.output }, data);
    expect(await all(end)).toEqual(await all(whole));
    expect(await all(middle)).toEqual(await all(await blockInputs(graph, second, data)));
    expect(tf.memory().numTensors).toBe(before);
  }
});

test('a region spans what lies between blocks, and refuses what does not hang together', () => {
  const graph = preNorm();
  expect(region(graph, 'embedded', 'norm').nodes.at(-1)).toBe('norm');
  expect(() => region(graph, 'norm', 'embedded')).toThrow('"embedded" does not depend on "norm"');
  expect(() => subgraph(graph, blocks(graph)[0]!, [])).toThrow('the shape of "embedded" is not known');
});

test('captured values are read back in any order, with labels, and only examples of one shape together', async () => {
  const graph = postNorm();
  const captured = await capture(graph, { stream: 'embedded', keep: 'keep' }, dataset(graph, [2, 3, 3, 2]));
  expect(captured.inputs).toEqual([
    { name: 'stream', dtype: 'float32', shape: [-1, -1, hidden] },
    { name: 'keep', dtype: 'float32', shape: [-1, 1, 1, -1] },
  ]);
  const found = [];
  for await (const { inputs, labels } of captured.batches(3, [2, 1, 0, 3, 1]))
    found.push([labels, inputs['stream']!.shape]);
  expect(found).toEqual([
    [
      [2, 1],
      [2, 3, hidden],
    ],
    [
      [0, 3],
      [2, 2, hidden],
    ],
    [[1], [1, 3, hidden]],
  ]);
});

test('beyond its memory a capture goes to the store, which is empty again afterwards', async () => {
  const graph = preNorm();
  const data = dataset(graph, [3, 3, 3, 3]);
  const bytes = 4 * 3 * hidden;
  const folder = mkdtempSync(path(tmpdir(), 'cq-store-'));
  try {
    const options = { memory: 2 * bytes, store: folderStore(folder), key: 'block-0/float' };
    const spilled = await capture(graph, { embedded: 'embedded' }, data, options);
    expect(readdirSync(path(folder, 'block-0/float')).sort()).toEqual(['2.bin', '3.bin']);
    expect(await all(spilled, 4)).toEqual(await all(await capture(graph, { embedded: 'embedded' }, data), 4));
    await spilled.dispose();
    expect(readdirSync(path(folder, 'block-0/float'))).toEqual([]);
    await expect(capture(graph, { embedded: 'embedded' }, data, { memory: bytes })).rejects.toThrow(
      `capture: example 1 of noise is beyond the ${bytes} bytes that may stay in memory; give it a store or more memory`,
    );
    await expect(folderStore(folder).read('../secret')).rejects.toThrow('"../secret" is no key of a store');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('joined datasets give the inputs of both', async () => {
  const graph = preNorm();
  const data = dataset(graph, [3, 3]);
  const part = (name: string) => capture(graph, { [name]: name }, data);
  const [batch] = await all(join(await part('embedded'), await part('0/a')), 2);
  expect(Object.keys(batch!).sort()).toEqual(['0/a', 'embedded']);
  expect(() => join(data, dataset(graph, [3]))).toThrow('join: needs as many examples in both, got 2 (noise) and 1');
});

test('an executor of a subgraph accepts what it was cut for', () => {
  const graph = postNorm();
  const [first] = blocks(graph);
  const inputs = [
    { name: 'embedded', dtype: 'float32', shape: [-1, -1, hidden] },
    { name: 'mask', dtype: 'float32', shape: [-1, 1, 1, -1] },
  ] as const;
  const cut = subgraph(graph, first!, inputs);
  expect(cut.outputs).toEqual([{ name: '0/second', value: '0/second', dtype: 'float32', shape: [-1, -1, hidden] }]);
  executor(cut).dispose();
});
