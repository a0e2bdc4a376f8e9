import { build } from '@cq/core';
import { sizeOfModel } from './size.ts';

test('floats and codes are parameters, indices are not; all of them take bytes', () => {
  const graph = build();
  const x = graph.input('x', 'float32', [-1, 2]);
  graph.weight('codes', [2], Uint8Array.of(1, 2));
  const w = graph.weight('w', [2, 3], new Float32Array(6));
  const shape = graph.weight('shape', [2], Int32Array.of(-1, 3));
  graph.output('y', graph.node('r', 'Reshape', [graph.node('p', 'MatMul', [x, w]), shape]), [-1, 3]);
  expect(sizeOfModel(graph.graph())).toEqual({ parameters: 8, bytes: 2 + 24 + 8 });
});

test('packed codes count as many as they are, tables of activations not at all', () => {
  const graph = build();
  const x = graph.input('x', 'int32', [-1]);
  const table = graph.weight('table', [4, 3], new Uint8Array(12));
  const scale = graph.weight('scale', [4], new Float32Array(4));
  const rows = graph.node('rows', 'CqEmbedding', [x, table, scale], { bits: 3, channels: 7, group: 7 });
  const w = graph.weight('w', [32], new Uint8Array(32));
  const operands = ['bias', 'multiplier'].map((name) => graph.weight(name, [2], new Int32Array(2)));
  const activation = graph.weight('activation', [256], new Uint8Array(256));
  const linear = [rows, w, ...operands, activation];
  const attrs = { outputs: 2, inputs: 7, weightBits: 2, tableBits: 8, residual: false };
  graph.output('y', graph.node('y', 'CqLinear', linear, attrs), [-1, 2]);
  expect(sizeOfModel(graph.graph())).toEqual({ parameters: 4 * 7 + 4 + 2 * 7, bytes: 12 + 16 + 32 + 16 + 256 });
});
