import fc from 'fast-check';
import { memoryOf } from '../heap.ts';
import { createSharedHeap } from './shared-heap.ts';

test('blocks that are in use never overlap, whatever is freed in between', () => {
  const steps = fc.array(
    fc.record({ bytes: fc.integer({ min: 0, max: 100_000 }), free: fc.nat(), keep: fc.boolean() }),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, (steps) => {
      const heap = createSharedHeap();
      const blocks: { at: number; bytes: number; mark: number }[] = [];
      const view = ({ at, bytes }: { at: number; bytes: number }) => new Uint8Array(memoryOf(heap).buffer, at, bytes);
      for (const [mark, { bytes, free, keep }] of steps.entries()) {
        const block = { at: heap._malloc(bytes), bytes, mark };
        expect(block.at).toBeGreaterThan(0);
        expect(block.at % 64).toBe(0);
        view(block).fill(mark);
        blocks.push(block);
        if (!keep) heap._free(blocks.splice(free % blocks.length, 1)[0]!.at);
      }
      for (const block of blocks) expect(view(block).every((byte) => byte === block.mark)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('what is freed is used again, in one piece', () => {
  const heap = createSharedHeap();
  const size = memoryOf(heap).buffer.byteLength;
  const thirds = [1, 2, 3].map(() => heap._malloc(size / 4));
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [0, 2, 1],
  ]) {
    for (const i of order) heap._free(thirds[i]!);
    expect(heap._malloc((3 * size) / 4)).toBe(thirds[0]);
    heap._free(thirds[0]!);
    for (const [i] of thirds.entries()) thirds[i] = heap._malloc(size / 4);
  }
  expect(memoryOf(heap).buffer.byteLength).toBe(size);
});

test('no memory left is address 0', () => {
  expect(createSharedHeap()._malloc(2 ** 32)).toBe(0);
});
