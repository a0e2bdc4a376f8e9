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
