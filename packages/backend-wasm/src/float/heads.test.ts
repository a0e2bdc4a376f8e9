import fc from 'fast-check';
import { floats, seed, stream } from '../testing/arbitrary.ts';
import { matMul } from '../testing/float/mat-mul.ts';
import { expectSame, run } from '../testing/float/run.ts';

const size = (min: number, max: number) => fc.integer({ min, max });
const sizes = [size(0, 3), size(1, 3), size(0, 21), size(0, 21), size(1, 17), seed] as const;

test('logits of every head equal their definition', async () => {
  await fc.assert(
    fc.asyncProperty(...sizes, async (batch, heads, queries, keys, depth, from) => {
      const next = stream(from);
      const channels = heads * depth;
      const q = floats([batch, queries, channels], () => next() - 0.5);
      const k = floats([batch, keys, channels], () => next() - 0.5);
      const [found] = await run('CqFusedLogits', { q, k }, { heads, factor: 0.3 });
      expect(found!.shape).toEqual([batch, heads, queries, keys]);
      const expected = examples(batch, heads).flatMap(([b, h]) => [
        ...matMul(
          (r, d) => q.data[(b * queries + r) * channels + h * depth + d]!,
          (d, n) => k.data[(b * keys + n) * channels + h * depth + d]!,
          ...([{ rows: queries, columns: keys, depth }, undefined, 0.3] as const),
        ),
      ]);
      expectSame(found, Float32Array.from(expected));
    }),
    { numRuns: 200 },
  );
});

test('contexts of every head equal their definition, the probabilities transposed or not', async () => {
  await fc.assert(
    fc.asyncProperty(...sizes, fc.boolean(), async (batch, heads, queries, keys, depth, from, transposed) => {
      const next = stream(from);
      const channels = heads * depth;
      const p = floats([batch, heads, ...(transposed ? [keys, queries] : [queries, keys])], () => next());
      const v = floats([batch, keys, channels], () => next() - 0.5);
      const [found] = await run('CqFusedContext', { p, v }, { factor: 0.7, transposed });
      expect(found!.shape).toEqual([batch, queries, channels]);
      const expected = new Float32Array(batch * queries * channels);
      for (const [b, h] of examples(batch, heads)) {
        const at = (b * heads + h) * queries * keys;
        const context = matMul(
          (r, j) => p.data[at + (transposed ? j * queries + r : r * keys + j)]!,
          (j, d) => v.data[(b * keys + j) * channels + h * depth + d]!,
          ...([{ rows: queries, columns: depth, depth: keys }, undefined, 0.7] as const),
        );
        context.forEach((value, i) => {
          const [row, d] = [Math.floor(i / depth), i % depth];
          expected[(b * queries + row) * channels + h * depth + d] = value;
        });
      }
      expectSame(found, expected);
    }),
    { numRuns: 200 },
  );
});

test('what does not fit is refused', async () => {
  const rows = (...shape: number[]) => floats(shape, () => 1);
  const logits = run('CqFusedLogits', { q: rows(1, 2, 6), k: rows(1, 2, 6) }, { heads: 4, factor: 1 });
  await expect(logits).rejects.toThrow('CqFusedLogits: heads must divide 6 channels, got 4');
  const context = run('CqFusedContext', { p: rows(1, 2, 3, 3), v: rows(1, 4, 6) }, { factor: 1, transposed: false });
  await expect(context).rejects.toThrow('CqFusedContext: v must be [1, 3, channels], got [1, 4, 6]');
});

function examples(batch: number, heads: number): [number, number][] {
  return Array.from({ length: batch * heads }, (_, i) => [Math.floor(i / heads), i % heads]);
}
