import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { build, canonicalize, executor, type Graph } from '../index.ts';

beforeAll(() => setBackend('cpu'));

/** x [batch, 4, 6, 2], cut. */
function cut(begin: number[], end: number[], step: number[], attrs: Record<string, number> = {}): Graph {
  const b = build();
  const list = (name: string, values: number[]) => b.weight(name, [values.length], Int32Array.from(values));
  const x = b.input('x', 'float32', [-1, 4, 6, 2]);
  const bounds = [list('begin', begin), list('end', end), list('step', step)];
  b.output('y', b.node('y', 'StridedSlice', [x, ...bounds], attrs), []);
  return b.graph();
}

function values(graph: Graph): number[] {
  const model = executor(graph);
  const data = Float32Array.from({ length: 144 }, (_, i) => i);
  const [y] = model.run({ x: { dtype: 'float32', shape: [3, 4, 6, 2], data } });
  const result = [...y!.shape, ...y!.dataSync()];
  y!.dispose();
  model.dispose();
  return result;
}

test.each([
  ['[:, ::2, 1::2]', cut([0, 0, 1, 0], [0, 0, 0, 0], [1, 2, 2, 1], { begin_mask: 11, end_mask: 15 })],
  ['[:, 1::2]', cut([0, 1], [0, 0], [1, 2], { begin_mask: 1, end_mask: 3 })],
  ['[:, :, 2:6:3]', cut([0, 0, 2], [0, 0, 6], [1, 1, 3], { begin_mask: 3, end_mask: 3 })],
  ['[:, :, 1:5:3]', cut([0, 0, 1], [0, 0, 5], [1, 1, 3], { begin_mask: 3, end_mask: 3 })],
])('%s is a slice of what is reshaped', (_, graph) => {
  const canonical = canonicalize(graph);
  expect([...canonical.nodes.values()].map(({ op }) => op)).toEqual(['Reshape', 'Slice', 'Reshape']);
  expect(values(canonical)).toEqual(values(graph));
  expect(canonicalize(canonical)).toBe(canonical);
});

test.each([
  ['a step that does not divide', cut([0, 0, 0], [0, 0, 0], [1, 1, 4], { begin_mask: 7, end_mask: 7 })],
  ['a first place beyond the step', cut([0, 0, 2], [0, 0, 6], [1, 1, 2], { begin_mask: 3, end_mask: 3 })],
  ['a last place left out', cut([0, 0, 1], [0, 0, 4], [1, 1, 3], { begin_mask: 3, end_mask: 3 })],
  ['an axis cut beside it', cut([0, 1, 0], [0, 4, 0], [1, 1, 2], { begin_mask: 5, end_mask: 5 })],
  ['backwards', cut([0, 0, 5], [0, 0, -7], [1, 2, -1], { begin_mask: 3, end_mask: 3 })],
  [
    'an axis that goes',
    cut([0, 0, 0, 0], [0, 0, 0, 1], [1, 2, 1, 1], { begin_mask: 7, end_mask: 7, shrink_axis_mask: 8 }),
  ],
])('%s stays as it is', (_, graph) => {
  expect(canonicalize(graph)).toBe(graph);
});
