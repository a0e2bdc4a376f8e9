import '@tensorflow/tfjs-backend-cpu';
import { build, executor, withFakeQuantize, withMask, type Graph } from '@cq/core';
import { symmetricAt } from './scales.ts';
import { settledWeights } from './settled-weights.ts';

const b = build();
const x = b.input('x', 'float32', [-1, 2]);
const w = b.weight('w', [2, 2], Float32Array.of(0.3, -0.9, 0.7, 2));
b.output('y', b.node('product', 'MatMul', [x, w]), [-1, 2]);
const model = withMask(b.graph(), 'w', Float32Array.of(1, 1, 0, 1));

const outputOf = (graph: Graph): number[] => [
  ...executor(graph)
    .run({ x: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(3, 5) } })[0]!
    .dataSync(),
];

test('a quantized weight becomes a constant on its levels, and gives the same', () => {
  const settle = settledWeights();
  const graph = withFakeQuantize(model, 'w', symmetricAt(4, [0.5]));
  const settled = settle(graph);
  expect([...settled.nodes.values()].map(({ op }) => op)).toEqual(['MatMul']);
  expect([...settled.weights.keys()]).toEqual(['w/quantize']);
  expect(outputOf(settled)).toEqual(outputOf(graph));
});

test('another quantizer on the same weight is another constant', () => {
  const settle = settledWeights();
  for (const scale of [0.5, 0.25]) {
    const graph = withFakeQuantize(model, 'w', symmetricAt(4, [scale]));
    expect(outputOf(settle(graph))).toEqual(outputOf(graph));
  }
});

test('a weight without a quantizer keeps its mask', () => {
  expect(outputOf(settledWeights()(model))).toEqual(outputOf(model));
});
