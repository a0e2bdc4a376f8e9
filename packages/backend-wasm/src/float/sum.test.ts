import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { memory, setBackend, sum, tensor } from '@tensorflow/tfjs-core';
import { sizeOf } from '@cq/core/runtime';
import { floats, integers, seed, stream } from '../testing/arbitrary.ts';
import { expectSame, run } from '../testing/float/run.ts';

const { fround } = Math;
const shape = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 2, maxLength: 4 });

test('sums over the first axes are taken row by row, in order', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.integer({ min: 1, max: 3 }), fc.boolean(), seed, async (sizes, axes, keepDims, from) => {
      const count = Math.min(axes, sizes.length - 1);
      const next = stream(from);
      const x = floats(sizes, () => (next() - 0.5) * 2 ** Math.floor(next() * 20));
      const axis = Array.from({ length: count }, (_, i) => count - 1 - i);
      const [found] = await run('Sum', { x }, { axis, keepDims } as never);
      const rest = sizes.slice(count);
      expect(found!.shape).toEqual([...(keepDims ? axis.map(() => 1) : []), ...rest]);
      const expected = new Float32Array(sizeOf(rest));
      x.data.forEach((value, i) => (expected[i % expected.length] = fround(expected[i % expected.length]! + value)));
      expectSame(found, expected);
    }),
    { numRuns: 200 },
  );
});

test.each([undefined, 0, 1, 2, -1, [0, 2], [1, 2], [0, 1, 2], []])(
  'axis %j gives what the cpu backend gives',
  async (axis) => {
    const results: unknown[] = [];
    for (const backend of ['wasm', 'cpu']) {
      for (const dtype of ['float32', 'int32'] as const) {
        await setBackend(backend);
        const x = tensor(
          Array.from({ length: 60 }, (_, i) => (i * 7) % 11),
          [3, 4, 5],
          dtype,
        );
        const { numTensors } = memory();
        const y = sum(x, axis);
        results.push([y.dtype, y.shape, [...y.dataSync()]]);
        y.dispose();
        expect(memory().numTensors).toBe(numTensors);
        x.dispose();
      }
    }
    expect(results.slice(0, 2)).toEqual(results.slice(2));
  },
);

test('rows are added up by their ids in order; those of no segment do not count', async () => {
  await fc.assert(
    fc.asyncProperty(
      ...[
        fc.array(fc.integer({ min: -2, max: 7 }), { maxLength: 30 }),
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 2 }),
      ],
      ...[fc.integer({ min: 0, max: 6 }), seed],
      async (ids: number[], rest: number[], numSegments: number, from: number) => {
        const next = stream(from);
        const columns = sizeOf(rest);
        const x = floats([ids.length, ...rest], () => (next() - 0.5) * 2 ** Math.floor(next() * 20));
        const segmentIds = integers([ids.length], (i) => ids[i]!);
        const [found] = await run('UnsortedSegmentSum', { x, segmentIds }, { numSegments });
        expect(found!.shape).toEqual([numSegments, ...rest]);
        const expected = new Float32Array(numSegments * columns);
        for (const [row, id] of ids.entries()) {
          if (id < 0 || id >= numSegments) continue;
          for (let c = 0; c < columns; c++) expected[id * columns + c]! += x.data[row * columns + c]!;
        }
        expectSame(found, expected);
      },
    ),
    { numRuns: 200 },
  );
});

test('ids that are not one a row are refused', async () => {
  const refused = run(
    'UnsortedSegmentSum',
    { x: floats([3, 2], () => 1), segmentIds: integers([2], () => 0) },
    { numSegments: 1 },
  );
  await expect(refused).rejects.toThrow('segmentIds must be [3], one for each row of x, got [2]');
});
