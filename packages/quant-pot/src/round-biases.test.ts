import { build, withFakeQuantize, type Graph } from '@cq/core';
import { roundBiases } from './round-biases.ts';
import { symmetricAt } from './scales.ts';

const [rows, outputs] = [3, 2];

/** MatMul ─► BiasAdd ─► Pad ─► AddV2 (positions), quantized. */
function embedding(bias: number, weightExponents: readonly number[]): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, rows, 4]);
  const product = b.node('product', 'MatMul', [
    x,
    b.weight('w', [4, outputs], new Float32Array(4 * outputs).fill(0.5)),
  ]);
  const biased = b.node('biased', 'BiasAdd', [product, b.weight('b', [outputs], Float32Array.of(bias, -bias))]);
  const padded = b.node('padded', 'Pad', [biased, b.weight('paddings', [3, 2], Int32Array.of(0, 0, 1, 0, 0, 0))]);
  const positions = b.weight('positions', [1, rows + 1, outputs], new Float32Array((rows + 1) * outputs).fill(1 / 3));
  b.output('y', b.node('sum', 'AddV2', [padded, positions]), [-1, rows + 1, outputs]);
  const scales = weightExponents.map((exponent) => 2 ** exponent);
  const quantized = withFakeQuantize(b.graph(), 'w', symmetricAt(8, scales, scales.length > 1 ? 1 : undefined));
  return withFakeQuantize(quantized, 'x', symmetricAt(8, [2 ** -2]));
}

test('bias and positions go to the nearest multiples of input scale · weight scale', () => {
  const graph = roundBiases(embedding(0.1, [-3, -5]), 'product');
  expect([...graph.weights.get('b')!.data]).toEqual([3 / 32, -13 / 128]);
  expect([...graph.weights.get('positions')!.data].slice(0, 2)).toEqual([11 / 32, 43 / 128]);
});

test('with one scale for the weight', () => {
  const graph = roundBiases(embedding(0.1, [-3]), 'product');
  expect([...graph.weights.get('b')!.data]).toEqual([3 / 32, -3 / 32]);
});

test('a bias that int32 cannot hold is refused', () => {
  expect(() => roundBiases(embedding(1, [-40]), 'product')).toThrow(
    /^quantize-pot: "b": must fit in int32 in units of its product's scale 2\.27\d+e-13, got 4398046511104$/,
  );
});
