import { build, executor, type Graph } from '@cq/core';
import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { foldNorm, normFold } from './fold-norm.ts';

beforeAll(() => setBackend('cpu'));

const close = (given: ArrayLike<number>, expected: readonly number[], digits = 6): void =>
  expected.forEach((value, i) => expect(given[i]).toBeCloseTo(value, digits));

/** Golden G11's norm and linear layer. */
function layer(gamma = [1, 2, 0.5]): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 3]);
  const weight = (name: string, shape: number[], data: number[]) => b.weight(name, shape, Float32Array.from(data));
  const norm = b.node('norm', 'LayerNorm', [x, weight('gamma', [3], gamma), weight('beta', [3], [0.1, -0.2, 0.3])], {
    epsilon: 1e-6,
  });
  const product = b.node('product', 'MatMul', [norm, weight('w', [3, 2], [1, -1, 2, 0.5, 3, 2])]);
  const sum = b.node('sum', 'BiasAdd', [product, weight('b', [2], [0.5, -0.5])]);
  b.output('y', sum, [-1, 2]);
  return b.graph();
}

function outputOf(graph: Graph, data: Float32Array): Float32Array {
  const model = executor(graph);
  const [y] = model.run({ x: { dtype: 'float32', shape: [data.length / 3, 3], data } });
  const values = y!.dataSync<'float32'>().slice();
  y!.dispose();
  model.dispose();
  return values;
}

test('golden G11: scale re-parameterisation', () => {
  const [s, z] = [
    [0.02, 0.08, 0.04],
    [120, 130, 128],
  ];
  const meanScale = 0.14 / 3;
  const scales = Float64Array.from(s!, (scale) => scale / meanScale);
  const shifts = Float64Array.from(s!, (scale, c) => -scale * (z![c]! - 126));
  close(scales, [0.428571, 1.714286, 0.857143]);
  const folded = foldNorm(layer(), 'norm', { scales, shifts, scale: meanScale });
  if ('reason' in folded) throw new Error(folded.reason);
  const data = (name: string): ArrayLike<number> =>
    [...folded.graph.weights.values()].find((weight) => weight.name === name)!.data;
  close(data('gamma'), [2.333333, 1.166667, 0.583333]);
  close(data('beta'), [-0.046667, 0.07, 0.443333]);
  close(data('b'), [-0.26, -0.94]);
  const x = Float32Array.from({ length: 12 }, (_, i) => Math.sin(3 * i));
  close(outputOf(folded.graph, x), [...outputOf(layer(), x)], 5);
});

test('a channel behind a gain of 0 is constant: it loses its constant, keeps its scale, and the model stays', () => {
  const gamma = [1, 0, 0.5];
  const x = Float32Array.from({ length: 60 }, (_, i) => Math.sin(3 * i));
  const b = layer(gamma);
  const model = executor(b);
  const [norm] = model.run({ x: { dtype: 'float32', shape: [20, 3], data: x } }, ['norm']);
  const fold = normFold({ data: norm!.dataSync<'float32'>().slice(), channels: 3 }, 3);
  norm!.dispose();
  model.dispose();
  expect(fold.scales[1]).toBe(1);
  expect(fold.shifts[1]).toBeCloseTo(-0.2, 6);
  expect([...fold.scales, ...fold.shifts, fold.scale].every(Number.isFinite)).toBe(true);
  const folded = foldNorm(b, 'norm', fold);
  if ('reason' in folded) throw new Error(folded.reason);
  close(outputOf(folded.graph, x), [...outputOf(b, x)], 5);
});
