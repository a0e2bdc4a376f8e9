import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { build } from './build.ts';
import type { ArrayTensor } from './dataset.ts';
import { decompose } from './decompose.ts';
import { executor } from './execute.ts';
import type { Graph } from './graph.ts';

const [heads, depth] = [2, 3];
// prettier-ignore
const sizes = [[1, 1], [2, 5], [3, 7]] as const; // [batch, tokens]

/** q, k, v ─► AttentionLogits ─► Softmax ─► AttentionContext */
function attention(batch: number, tokens: number): Graph {
  const graph = build();
  const [q, k, v] = ['q', 'k', 'v'].map((name) => graph.input(name, 'float32', [batch, tokens, heads * depth]));
  const shape = { heads, depth, tokens };
  const logits = graph.node('logits', 'AttentionLogits', [q!, k!], { ...shape, factor: 0.5 });
  const context = graph.node('context', 'AttentionContext', [graph.node('p', 'Softmax', [logits]), v!], shape);
  graph.output('context', context, [batch, tokens, heads * depth]);
  return graph.graph();
}

function inputs(batch: number, tokens: number) {
  const length = batch * tokens * heads * depth;
  const values = (seed: number): ArrayTensor => ({
    dtype: 'float32',
    shape: [batch, tokens, heads * depth],
    data: Float32Array.from({ length }, (_, i) => Math.sin(seed + i * 1.7)),
  });
  return { q: values(1), k: values(2), v: values(3) };
}

beforeAll(() => tf.setBackend('cpu'));

test('attention over any number of tokens equals attention over that number', () => {
  const varying = executor(attention(-1, -1));
  for (const [batch, tokens] of sizes) {
    const fixed = executor(attention(batch, tokens));
    const expected = fixed.run(inputs(batch, tokens))[0]!;
    const actual = varying.run(inputs(batch, tokens))[0]!;
    expect(actual.shape).toEqual([batch, tokens, heads * depth]);
    expect(actual.dataSync()).toEqual(expected.dataSync());
    tf.dispose([expected, actual]);
    fixed.dispose();
  }
  varying.dispose();
});

test('only a number of tokens that varies is asked for while running', () => {
  const ops = (graph: Graph) => new Set([...decompose(graph).nodes.values()].map(({ op }) => op));
  expect(ops(attention(-1, 5))).toEqual(new Set(['Reshape', 'Transpose', 'BatchMatMulV2', 'Mul', 'Softmax']));
  expect(ops(attention(-1, -1))).toEqual(
    new Set(['Shape', 'StridedSlice', 'Pack', 'Reshape', 'Transpose', 'BatchMatMulV2', 'Mul', 'Softmax']),
  );
});

test('a matrix product with a transposed right operand reads it as it lies', () => {
  const graph = build();
  const x = graph.input('x', 'float32', [-1, 1, 2]);
  const w = graph.weight('w', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  graph.output('y', graph.node('product', 'MatMul', [x, w], { transpose_b: true }), [-1, 1, 3]);
  const run = executor(graph.graph());
  const y = run.run({ x: { dtype: 'float32', shape: [2, 1, 2], data: Float32Array.of(1, 1, 1, -1) } })[0]!;
  expect([...y.dataSync()]).toEqual([3, 7, 11, -1, -1, -1]);
  y.dispose();
  run.dispose();
});

describe('a product with a weight', () => {
  function product(shape: readonly number[]): Graph {
    const graph = build();
    const x = graph.input('x', 'float32', shape);
    const w = graph.weight(
      'w',
      [3, 4],
      Float32Array.from({ length: 12 }, (_, i) => Math.cos(i)),
    );
    graph.output('y', graph.node('product', 'MatMul', [x, w]), [...shape.slice(0, -1), 4]);
    return graph.graph();
  }
  const ops = (graph: Graph): string[] => [...decompose(graph).nodes.values()].map(({ op }) => op);

  test('multiplies rows of tokens as one matrix', () => {
    expect(ops(product([-1, 5, 3]))).toEqual(['Reshape', 'MatMul', 'Reshape']);
    expect(ops(product([-1, -1, 3]))).toEqual(['Shape', 'StridedSlice', 'Reshape', 'MatMul', 'Pack', 'Reshape']);
  });

  test('is one for a matrix already, and for more axes than that', () => {
    expect(ops(product([-1, 3]))).toEqual(['BatchMatMulV2']);
    expect(ops(product([-1, 2, 5, 3]))).toEqual(['BatchMatMulV2']);
  });

  test.each(sizes)('of %i texts with %i tokens is the product of every row', (batch, tokens) => {
    const data = Float32Array.from({ length: batch * tokens * 3 }, (_, i) => Math.sin(i));
    const rows = executor(product([-1, 3]));
    const texts = executor(product([-1, -1, 3]));
    const expected = rows.run({ x: { dtype: 'float32', shape: [batch * tokens, 3], data } })[0]!;
    const actual = texts.run({ x: { dtype: 'float32', shape: [batch, tokens, 3], data } })[0]!;
    expect(actual.shape).toEqual([batch, tokens, 4]);
    expect(actual.dataSync()).toEqual(expected.dataSync());
    tf.dispose([expected, actual]);
    rows.dispose();
    texts.dispose();
  });
});

test('the parts of a composite take no name that the graph has', () => {
  const graph = build();
  const x = graph.input('x', 'float32', [-1, 2]);
  const half = graph.node('gelu/half', 'Relu', [x]);
  graph.output('y', graph.node('gelu', 'Gelu', [half]), [-1, 2]);
  expect([...decompose(graph.graph()).nodes.keys()]).toContain('gelu/half_1');
});
