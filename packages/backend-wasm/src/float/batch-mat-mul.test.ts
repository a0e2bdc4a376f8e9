import fc from 'fast-check';
import { backend, zeros } from '@tensorflow/tfjs-core';
import { sizeOf, type Operand } from '@cq/core/runtime';
import { floats, seed, stream } from '../testing/arbitrary.ts';
import { matMul } from '../testing/float/mat-mul.ts';
import { expectSame, run } from '../testing/float/run.ts';
import type { WasmBackend } from '../workspace.ts';

interface Case {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly batches: readonly [readonly number[], readonly number[]];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly seed: number;
}

const size = (min: number, max: number) => fc.integer({ min, max });

const batches = fc.constantFrom<Case['batches']>(
  ...([
    [[], []],
    [[2], [2]],
    [[3], []],
    [[], [3]],
    [[2], [1]],
    [[1], [2]],
  ] as const),
  ...([
    [
      [2, 3],
      [2, 3],
    ],
    [
      [2, 1],
      [1, 3],
    ],
    [[2, 3], [3]],
    [[3], [2, 1]],
    [[0], [1]],
    [[1, 1, 2], [2]],
  ] as const),
);

/** Numbers of both signs and several magnitudes: another order of sums gives other bits. */
const values = (next: () => number, shape: readonly number[]): Operand =>
  floats(shape, () => (next() - 0.5) * 2 ** Math.floor(next() * 6));

async function check({ rows, columns, depth, batches, transposeA, transposeB, seed }: Case): Promise<void> {
  const next = stream(seed);
  const a = values(next, [...batches[0], ...(transposeA ? [depth, rows] : [rows, depth])]);
  const b = values(next, [...batches[1], ...(transposeB ? [columns, depth] : [depth, columns])]);
  const [found] = await run('BatchMatMul', { a, b }, { transposeA, transposeB });
  const rank = Math.max(...batches.map(({ length }) => length));
  const [first, second] = batches.map((batch) => [...Array(rank - batch.length).fill(1), ...batch] as number[]);
  const outer = first!.map((size, axis) => (size === 1 ? second![axis]! : size));
  expect(found!.shape).toEqual([...outer, rows, columns]);
  for (let i = 0; i < sizeOf(outer); i++) {
    const left = place(i, outer, first!) * rows * depth;
    const right = place(i, outer, second!) * depth * columns;
    const product = matMul(
      (r, k) => a.data[left + (transposeA ? k * rows + r : r * depth + k)]!,
      (k, n) => b.data[right + (transposeB ? n * depth + k : k * columns + n)]!,
      { rows, columns, depth },
    );
    const data = found!.data.slice(i * product.length, (i + 1) * product.length) as Float32Array;
    expectSame({ dtype: 'float32', shape: [rows, columns], data }, product);
  }
}

/** Which matrix of a batch that is repeated along its axes of size 1. */
function place(i: number, outer: readonly number[], batch: readonly number[]): number {
  let [at, factor] = [0, 1];
  for (let axis = outer.length - 1; axis >= 0; axis--) {
    const index = i % outer[axis]!;
    i = Math.floor(i / outer[axis]!);
    if (batch[axis] !== 1) at += index * factor;
    factor *= batch[axis]!;
  }
  return at;
}

test('a matrix product equals its definition for every size, transpose and batch', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        ...{ rows: size(0, 21), columns: size(0, 35), depth: size(0, 40), batches },
        ...{ transposeA: fc.boolean(), transposeB: fc.boolean(), seed },
      }),
      check,
    ),
    { numRuns: 300 },
  );
});

test('and where the depth is taken in parts, or the rows in blocks', async () => {
  const plain: Case = {
    ...{ rows: 9, columns: 11, depth: 700, batches: [[], []], transposeA: false, transposeB: false, seed: 1 },
  };
  for (const depth of [255, 256, 257, 700, 1025]) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) await check({ ...plain, depth, transposeA, transposeB });
    }
  }
  for (const rows of [1, 3, 4, 261, 1030]) await check({ ...plain, rows, depth: 260, columns: 9 });
});

test('a batch of right matrices, and one of them for all, are the same sums', async () => {
  const next = stream(5);
  const [a, b] = [values(next, [3, 7, 65]), values(next, [65, 13])];
  const repeated = {
    ...b,
    shape: [3, 65, 13],
    data: Float32Array.from({ length: 3 * 845 }, (_, i) => b.data[i % 845]!),
  };
  const [one] = await run('BatchMatMul', { a, b }, { transposeA: false, transposeB: false });
  const [many] = await run('BatchMatMul', { a, b: repeated }, { transposeA: false, transposeB: false });
  expectSame(one, many!.data as Float32Array);
});

test('numbers that are none stay so', async () => {
  const a = floats([2, 3], (i) => [1, Infinity, 2, NaN, 0, 1][i]!);
  const b = floats([3, 2], (i) => [1, 2, 0, 1, -Infinity, 1][i]!);
  const [found] = await run('BatchMatMul', { a, b }, { transposeA: false, transposeB: false });
  expect([...found!.data]).toEqual([NaN, Infinity, NaN, NaN]);
});

test('results stay right after the heap has grown', async () => {
  const heap = () => (backend() as unknown as WasmBackend).wasm.asm.memory!.buffer.byteLength;
  await run('BatchMatMul', { a: floats([1, 1], () => 1), b: floats([1, 1], () => 1) });
  const bytes = heap();
  const large = zeros([bytes / 4]);
  expect(heap()).toBeGreaterThan(bytes);
  await check({ rows: 50, columns: 70, depth: 90, batches: [[2], [2]], transposeA: false, transposeB: true, seed: 3 });
  large.dispose();
});

test('what does not fit is refused', async () => {
  const a = floats([2, 3], () => 1);
  const refuse = (b: Operand) => run('BatchMatMul', { a, b }, { transposeA: false, transposeB: false });
  await expect(refuse(floats([4, 3], () => 1))).rejects.toThrow(
    'inner sizes of [2, 3] and [4, 3] must be equal, got 4',
  );
  await expect(refuse(floats([3], () => 1))).rejects.toThrow('b must have at least 2 axes, got [3]');
  await expect(refuse({ dtype: 'int32', shape: [3, 1], data: new Int32Array(3) })).rejects.toThrow(
    'BatchMatMul: b must be float32, got int32',
  );
});
