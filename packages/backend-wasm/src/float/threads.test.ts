import { setBackend } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import type { Attrs } from '@cq/core/runtime';
import { floats, seed, stream } from '../testing/arbitrary.ts';
import { run } from '../testing/float/run.ts';
import { useThreads } from '../testing/threads.ts';

const size = (max: number) => fc.integer({ min: 1, max });

/** The bytes of a kernel on one thread, on two and on three, calls of any size in parts. */
async function expectAlike(
  kernel: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  attrs: object,
  from: number,
): Promise<void> {
  const next = stream(from);
  const operands = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, floats(shape, () => next() - 0.5)]),
  );
  await setBackend('wasm');
  const found: Buffer[] = [];
  for (const threads of [1, 2, 3]) {
    await useThreads(threads);
    const [y] = await run(kernel, operands, attrs as Attrs);
    const { buffer, byteOffset, byteLength } = y!.data;
    found.push(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength));
  }
  await useThreads(1);
  expect(found.map((bytes) => bytes.equals(found[0]!))).toEqual([true, true, true]);
}

const sizes = fc.record({
  ...{ batch: size(2), rows: size(60), depth: size(70), columns: size(40), heads: size(3), seed },
  ...{ transposeA: fc.boolean(), transposeB: fc.boolean() },
});

test('matrix products have the same bits on every number of threads', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, async ({ batch, rows, depth, columns, transposeA, transposeB, seed }) => {
      const a = transposeA ? [batch, depth, rows] : [batch, rows, depth];
      const b = transposeB ? [batch, columns, depth] : [batch, depth, columns];
      await expectAlike('BatchMatMul', { a, b }, { transposeA, transposeB }, seed);
      const withBias = { a, b: [1, ...b.slice(1)], bias: [columns] };
      await expectAlike('_FusedMatMul', withBias, { transposeA, transposeB, activation: 'linear' }, seed);
    }),
    { numRuns: 60 },
  );
});

test('products of heads that lie side by side have the same bits on every number of threads', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, async ({ batch, rows, depth, columns, heads, transposeA: transposed, seed }) => {
      const [q, k] = [rows, columns].map((tokens) => [batch, tokens, depth * heads]) as [number[], number[]];
      await expectAlike('CqFusedLogits', { q, k }, { heads, factor: 0.5 }, seed);
      const p = transposed ? [batch, heads, columns, rows] : [batch, heads, rows, columns];
      await expectAlike('CqFusedContext', { p, v: k }, { factor: 0.5, transposed }, seed);
    }),
    { numRuns: 60 },
  );
});

test('sums that go on from what is there have the same bits on every number of threads', async () => {
  const attrs = { strides: 1, pad: 'valid', dataFormat: 'NHWC', filterShape: [3, 3, 3, 5] };
  await expectAlike('Conv2DBackpropFilter', { x: [3, 8, 9, 3], dy: [3, 6, 7, 5] }, attrs, 1);
});
