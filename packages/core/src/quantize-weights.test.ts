import '@tensorflow/tfjs-backend-cpu';
import {
  build,
  compress,
  executor,
  int8Dynamic,
  lower,
  quantizerOf,
  quantizeWeights,
  raise,
  w4,
  type Graph,
} from './index.ts';

const noise = (count: number, step: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * step) * (1 + (i % 5)));

/** Table rows, a linear layer without a bias and one with, and a sum with what the first reads. */
function model(): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 40]);
  const ids = b.input('ids', 'int32', [-1]);
  const rows = b.node('rows', 'GatherV2', [
    b.weight('table', [7, 40], noise(280, 1.1)),
    ids,
    b.weight('axis', [], Int32Array.of(0)),
  ]);
  const start = b.node('start', 'AddV2', [x, rows]);
  const hidden = b.node('hidden', 'MatMul', [start, b.weight('w', [40, 40], noise(1600, 0.7))]);
  const product = b.node('product', 'MatMul', [hidden, b.weight('v', [40, 40], noise(1600, 0.3))], {
    transpose_b: true,
  });
  const biased = b.node('biased', 'BiasAdd', [product, b.weight('bias', [40], noise(40, 1))]);
  b.output('y', b.node('sum', 'AddV2', [biased, start]), [-1, 40]);
  return b.graph();
}

const inputs = {
  x: { dtype: 'float32', shape: [5, 40], data: noise(200, 0.9) },
  ids: { dtype: 'int32', shape: [5], data: Int32Array.of(0, 6, 3, 3, 1) },
} as const;

function run(graph: Graph): Float32Array {
  const runner = executor(graph);
  const [y] = runner.run(inputs);
  const values = y!.dataSync() as Float32Array;
  y!.dispose();
  runner.dispose();
  return values;
}

function relativeError(a: Float32Array, b: Float32Array): number {
  let [error, norm] = [0, 0];
  for (const [i, value] of a.entries()) [error, norm] = [error + (value - b[i]!) ** 2, norm + value ** 2];
  return Math.sqrt(error / norm);
}

const ops = (graph: Graph): string[] => [...graph.nodes.values()].map(({ op }) => op);

test('one scale per output, per row of a table, or per group of inputs', async () => {
  const { graph } = await compress(model(), [quantizeWeights({ bits: 4, group: 32 })]);
  const scales = ['table', 'w'].map((name) => quantizerOf(graph, name) as { axis: number; scale: Float32Array });
  expect(scales.map(({ axis, scale }) => [axis, scale.length])).toEqual([
    [0, 14],
    [1, 80],
  ]);
  const plain = await compress(model(), [quantizeWeights()]);
  expect((quantizerOf(plain.graph, 'w') as { scale: Float32Array }).scale).toHaveLength(40);
});

test.each([
  ['w4', w4, 0.2, ['CqFloatLinear']],
  ['int8-dynamic', int8Dynamic, 0.02, ['CqDynamicLinear', 'CqEmbedding']],
] as const)('%s lowers to what it says, near to float and to itself simulated', async (_, recipe, bound, expected) => {
  const float = model();
  const { graph } = await compress(float, recipe());
  const lowered = lower(graph).graph;
  expect(ops(lowered)).toEqual(expect.arrayContaining([...expected]));
  expect(ops(lowered)).not.toContain('MatMul');
  const reference = run(float);
  expect(relativeError(reference, run(lowered))).toBeLessThan(bound);
  expect(relativeError(run(graph), run(lowered))).toBeLessThan(1e-5);
  const raised = raise(lowered);
  expect(ops(raised)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^Cq.*Linear$/)]));
  expect(relativeError(run(raised), run(lowered))).toBeLessThan(1e-5);
});

test('what a dynamic quantizer does not concern stays float: the sum reads what it read before', async () => {
  const { graph } = await compress(model(), int8Dynamic());
  expect(graph.nodes.get('sum')!.inputs).toEqual(['biased', 'start']);
  const again = await compress(graph, int8Dynamic());
  expect(again.graph).toBe(graph);
});

test.each([
  [{ bits: 9 }, /bits must be 2 to 8, got 9/],
  [{ group: 7 }, /group must be an even number/],
  [{ group: -2 }, /group must be/],
  [{ range: 'best' as never }, /range must be one of/],
])('%j is refused', (options, message) => {
  expect(() => quantizeWeights(options)).toThrow(message);
});
