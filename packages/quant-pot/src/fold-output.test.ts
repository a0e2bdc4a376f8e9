import '@tensorflow/tfjs-backend-cpu';
import { build, executor, type ArrayTensor, type Dataset, type Graph } from '@cq/core';
import { foldOutput } from './fold-output.ts';
import type { FoldOptions } from './fold-trial.ts';

const [tokens, channels, outputs] = [16, 24, 16];

const wave = (size: number, by: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(by * (i + 1) ** 1.5));

/** x ─► LayerNorm (gamma) ─► MatMul ─► BiasAdd */
function layer(gamma: (channel: number) => number): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, tokens, channels]);
  const g = b.weight(
    'gamma',
    [channels],
    Float32Array.from({ length: channels }, (_, c) => gamma(c)),
  );
  const norm = b.node('norm', 'LayerNorm', [x, g, b.weight('beta', [channels], new Float32Array(channels))], {
    epsilon: Math.fround(1e-6),
  });
  const product = b.node('product', 'MatMul', [norm, b.weight('w', [channels, outputs], wave(channels * outputs, 3))]);
  b.output('y', b.node('y', 'BiasAdd', [product, b.weight('b', [outputs], wave(outputs, 5))]), [-1, tokens, outputs]);
  return b.graph();
}

const example = (index: number): ArrayTensor => ({
  ...{ dtype: 'float32', shape: [1, tokens, channels] },
  data: wave(tokens * channels, 2 + index / 7),
});

const data: Dataset = {
  name: 'waves',
  size: 8,
  async *batches(_, indices = [0, 1, 2, 3, 4, 5, 6, 7]) {
    for (const index of indices) yield { inputs: { x: example(index) } };
  },
};

const options: FoldOptions = {
  ...{ bits: 8, perOutput: false, scales: 'search', activations: 8, signal: new AbortController().signal },
  ...{ search: [0, 2, 4, 6], held: [1, 3, 5, 7] },
};

const folded = (graph: Graph) => foldOutput(graph, async (now) => ({ graph: now, data }), 'norm', options);
const outputOf = (graph: Graph): Float32Array =>
  executor(graph)
    .run({ x: example(9) })[0]!
    .dataSync<'float32'>();

test('channels far apart are brought closer; the layer behind computes what it did', async () => {
  const graph = layer((c) => (c % 6 === 1 ? 40 : 1));
  const result = await folded(graph);
  if ('reason' in result) throw new Error(result.reason);
  expect(result.limit).toBeGreaterThan(0);
  expect(Math.min(...Object.values(result.errors))).toBeLessThan(result.errors['0']! / 2);
  const gamma = [...result.graph.weights.get('gamma')!.data];
  expect(gamma.map((g, c) => Math.log2(g / (c % 6 === 1 ? 40 : 1))).every(Number.isInteger)).toBe(true);
  const before = outputOf(graph);
  const largest = Math.max(...before.map(Math.abs));
  outputOf(result.graph).forEach((y, i) => expect(Math.abs(y - before[i]!)).toBeLessThan(1e-6 * largest));
});

test('channels that are alike stay as they are: the very same graph', async () => {
  const graph = layer(() => 1);
  expect(await folded(graph)).toMatchObject({ limit: 0 });
  expect(((await folded(graph)) as { graph: Graph }).graph).toBe(graph);
});

test('no fold where no linear layer reads the value, or something else does too', async () => {
  const graph = layer(() => 1);
  const shown = { ...graph, outputs: [...graph.outputs, { ...graph.outputs[0]!, name: 'norm', value: 'norm' }] };
  expect(await folded(shown)).toEqual({ reason: '"norm" is an output of the model' });
  const alone = foldOutput(graph, async (now) => ({ graph: now, data }), 'y', options);
  expect(await alone).toEqual({ reason: 'no linear layer reads it' });
});
