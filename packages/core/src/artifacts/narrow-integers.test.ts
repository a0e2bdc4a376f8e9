import fc from 'fast-check';
import { build, fromArtifacts, pack, toArtifacts } from '../index.ts';

const stored = (values: Int32Array) => {
  const b = build();
  const x = b.input('x', 'int32', [-1, values.length]);
  b.output('y', b.node('sum', 'AddV2', [x, b.weight('w', [values.length], values)]), [-1, values.length]);
  const graph = b.graph();
  const artifacts = pack(graph);
  const spec = artifacts.weightSpecs!.find(({ name }) => name === 'w')!;
  const bytes = (artifacts.weightData as ArrayBuffer).byteLength;
  return { graph, artifacts, as: spec.quantization?.dtype ?? spec.dtype, bytes };
};

/** So many numbers that it is worth it. */
const many = (values: readonly number[]): Int32Array =>
  Int32Array.from({ length: 64 }, (_, i) => values[i % values.length]!);

test.each([
  [[5], 'uint8', 1],
  [[-300, -45], 'uint8', 1],
  [[-300, -299, -44], 'uint16', 2],
  [[0, 65_535], 'uint16', 2],
  [[0, 1, 65_536], 'int32', 4],
  [[-300, -292, 1740], 'uint8', 1],
  [[-300, -292, 1748], 'uint16', 2],
  [[-(2 ** 31), 0, 2 ** 30], 'uint8', 1],
  [[-(2 ** 31), 2 ** 31 - 1], 'int32', 4],
])('%j are stored as %s', (values, as, width) => {
  expect(stored(many(values))).toMatchObject({ as, bytes: 64 * width });
});

test.each([
  [[-300, -45], 'uint8'],
  [[-32_768, 32_767], 'uint16'],
  [[0.5, 1], 'float32'],
  [[-0, 1], 'float32'],
  [[NaN, 1], 'float32'],
  [[2 ** 31, 1], 'float32'],
])('of floats %j are stored as %s, and come back as they were', (values, as) => {
  const b = build();
  const x = b.input('x', 'float32', [-1, 64]);
  const w = Float32Array.from({ length: 64 }, (_, i) => values[i % values.length]!);
  b.output('y', b.node('sum', 'AddV2', [x, b.weight('w', [64], w)]), [-1, 64]);
  const artifacts = pack(b.graph());
  const spec = artifacts.weightSpecs!.find(({ name }) => name === 'w')!;
  expect(spec.quantization?.dtype ?? spec.dtype).toBe(as);
  expect(fromArtifacts(artifacts).weights.get('w')!.data).toEqual(w);
});

test('a few numbers, such as a shape, stay as they are', () => {
  expect(stored(Int32Array.of(1, 2, 3))).toMatchObject({ as: 'int32', bytes: 12 });
});

test('a smallest value that is no int32 is refused', () => {
  const { artifacts } = stored(many([5]));
  const weightSpecs = artifacts.weightSpecs!.map((spec) => ({
    ...spec,
    quantization: { dtype: 'uint8' as const, scale: 1, min: 2 ** 31 },
  }));
  expect(() => fromArtifacts({ ...artifacts, weightSpecs })).toThrow(/min of the quantization must be an int32/);
});

test('they come back as they were', () => {
  const base = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const near = fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(base, near, (from, offsets) => {
      const { graph, artifacts } = stored(many(offsets.map((offset) => Math.min(from + offset, 2 ** 31 - 1))));
      expect(fromArtifacts(artifacts).weights).toEqual(fromArtifacts(toArtifacts(graph)).weights);
    }),
  );
});
