import '@tensorflow/tfjs-backend-cpu';
import { build, executor, numberAttr, type Graph } from '@cq/core';
import { foldFactor } from './fold-factor.ts';

function logits(factor: number, biased: boolean): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 3, 4]);
  const weight = (name: string, by: number) =>
    b.weight(
      name,
      [4, 8],
      Float32Array.from({ length: 32 }, (_, i) => Math.sin(by * i)),
    );
  const product = b.node('query', 'MatMul', [x, weight('wq', 3)]);
  const query = biased
    ? b.node('biased', 'BiasAdd', [product, b.weight('b', [8], new Float32Array(8).fill(0.3))])
    : product;
  const key = b.node('key', 'MatMul', [x, weight('wk', 5)]);
  const y = b.node('logits', 'AttentionLogits', [query, key], { heads: 1, depth: 8, tokens: 3, factor });
  b.output('y', y, [-1, 1, 3, 3]);
  return b.graph();
}

const x = {
  dtype: 'float32',
  shape: [1, 3, 4],
  data: Float32Array.from({ length: 12 }, (_, i) => Math.cos(i)),
} as const;
const run = (graph: Graph): Float32Array => executor(graph).run({ x })[0]!.dataSync<'float32'>();

test.each([true, false])('the factor becomes a power of two, the logits stay (biased: %s)', (biased) => {
  const graph = logits(1 / Math.sqrt(8), biased);
  const folded = foldFactor(graph, graph.nodes.get('logits')!) as { graph: Graph };
  expect(numberAttr(folded.graph.nodes.get('logits')!, 'factor')).toBe(0.25);
  const before = run(graph);
  run(folded.graph).forEach((value, i) => expect(Math.abs(value - before[i]!)).toBeLessThan(1e-6));
});

test('a power of two stays', () => {
  const graph = logits(0.125, true);
  expect(foldFactor(graph, graph.nodes.get('logits')!)).toEqual({ graph });
});

test('queries that are no linear layer of their own keep their factor, with the reason', () => {
  const b = build();
  const q = b.input('x', 'float32', [-1, 3, 8]);
  b.output(
    'y',
    b.node('logits', 'AttentionLogits', [q, q], { heads: 1, depth: 8, tokens: 3, factor: 0.3 }),
    [-1, 1, 3, 3],
  );
  const graph = b.graph();
  expect(foldFactor(graph, graph.nodes.get('logits')!)).toEqual({
    reason: 'its factor 0.3 is no power of two, and its queries cannot take the rest',
  });
});
