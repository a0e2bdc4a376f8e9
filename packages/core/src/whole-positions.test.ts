import { build, quantizerOf, symmetric, withFakeQuantize, type Graph } from './index.ts';
import { wholePositions } from './whole-positions.ts';

const positions = Float32Array.of(0.3, -1.26, 2, -0.1);

function sum(bits: number): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 2, 2]);
  b.output('y', b.node('placed', 'AddV2', [x, b.weight('positions', [1, 2, 2], positions)]), [-1, 2, 2]);
  return withFakeQuantize(b.graph(), 'placed', symmetric(bits, [3]));
}

test('positions move to whole steps of a fine sum, none by more than half of one', () => {
  const graph = sum(16);
  const quantizer = quantizerOf(graph, 'placed')!;
  const [scale] = quantizer.kind === 'uniform' ? quantizer.scale : [];
  const { data } = wholePositions(graph, 'placed')!.graph.weights.get('positions')!;
  for (const [i, value] of data.entries()) {
    expect(Math.abs(value - positions[i]!)).toBeLessThanOrEqual(0.5001 * scale!);
    expect(Math.abs(value / scale! - Math.round(value / scale!))).toBeLessThan(0.01);
  }
});

test('positions of fewer bits are multiples of a power of two of its steps', () => {
  const graph = sum(16);
  const { data } = wholePositions(graph, 'placed', 4)!.graph.weights.get('positions')!;
  const step = 3 / (2 ** 15 - 1);
  const units = [...data].map((value) => Math.round(value / step));
  const coarse = 4096; // 3.26 / 14 is 2545 steps.
  expect(units.every((unit) => unit % coarse === 0)).toBe(true);
  expect((Math.max(...units) - Math.min(...units)) / coarse).toBeLessThan(2 ** 4);
  units.forEach((unit, i) => expect(Math.abs(unit * step - positions[i]!)).toBeLessThanOrEqual(0.5001 * coarse * step));
});

test('positions stay where codes are coarse, and where nothing is added', () => {
  expect(wholePositions(sum(8), 'placed')).toBeUndefined();
  expect(wholePositions(sum(16), 'x')).toBeUndefined();
});
