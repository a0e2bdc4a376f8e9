import { build, edit, maskOf, quantizerOf, symmetric, withFakeQuantize, withMask, type Graph } from '@cq/core';
import { addMask, keepOf } from './remask.ts';

/** y = x · w */
function product(): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 2]);
  b.output('y', b.node('y', 'MatMul', [x, b.weight('w', [2, 2], Float32Array.of(1, 2, 3, 4))]), [-1, 2]);
  return b.graph();
}

const mask = (graph: Graph): number[] => [...keepOf(graph, 'w')!];

test('a weight that is masked already has one mask after: what either drops', () => {
  const graph = addMask(withMask(product(), 'w', Float32Array.of(0, 1, 1, 1)), 'w', (entry) => entry !== 3);
  expect(mask(graph)).toEqual([0, 1, 1, 0]);
  expect([...graph.nodes.values()].filter(({ op }) => op === 'CqMask')).toHaveLength(1);
});

test('a mask goes in front of the quantizer, which stays as it is', () => {
  const quantized = withFakeQuantize(product(), 'w', symmetric(8, [4]));
  const graph = addMask(quantized, 'w', (entry) => entry > 0);
  expect(graph.nodes.get(maskOf(graph, 'w')!.name)!.inputs[0]).toBe('w');
  expect(quantizerOf(graph, 'w')).toEqual(quantizerOf(quantized, 'w'));
});

test('where nothing is dropped, the same graph comes back', () => {
  const graph = product();
  expect(addMask(graph, 'w', () => true)).toBe(graph);
  const masked = addMask(graph, 'w', (entry) => entry > 0);
  expect(addMask(masked, 'w', (entry) => entry > 0)).toBe(masked);
});

test('a constant that two masks share changes for one of them', () => {
  const b = build();
  const x = b.input('x', 'float32', [-1, 2]);
  const w = b.weight('w', [2], Float32Array.of(1, 2));
  const v = b.weight('v', [2], Float32Array.of(1, 2));
  b.output('y', b.node('y', 'Mul', [b.node('z', 'Mul', [x, w]), v]), [-1, 2]);
  const both = withMask(withMask(b.graph(), 'w', Float32Array.of(1, 1)), 'v', Float32Array.of(1, 1));
  const shared = edit(both, {
    nodes: [{ ...maskOf(both, 'v')!, inputs: ['v', maskOf(both, 'w')!.inputs[1]!] }],
  });
  const graph = addMask(shared, 'w', (entry) => entry !== 0);
  expect([...keepOf(graph, 'w')!]).toEqual([0, 1]);
  expect([...keepOf(graph, 'v')!]).toEqual([1, 1]);
});
