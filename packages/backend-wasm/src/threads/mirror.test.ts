import { memoryOf, type Heap } from '../heap.ts';
import type { WasmBackend } from '../workspace.ts';
import { createMirror } from './mirror.ts';
import { createSharedHeap } from './shared-heap.ts';

/** As much of a backend as a mirror looks at: tensors of bytes one after the other. */
function backendOf(sizes: readonly number[]) {
  const memory = new WebAssembly.Memory({ initial: 16 });
  const offsets = new Map<object, number>();
  let end = 64;
  const tensors = sizes.map((size, i) => {
    const dataId = {};
    offsets.set(dataId, end);
    new Uint8Array(memory.buffer, end, size).fill(i + 1);
    end += size;
    return { dataId, shape: [size], dtype: 'bool' as const };
  });
  const backend = {
    wasm: { asm: { memory }, _malloc: () => 0, _free: () => undefined },
    dataIdMap: {
      has: (dataId: object) => offsets.has(dataId),
      get: (id: object) => ({ memoryOffset: offsets.get(id) }),
    },
  };
  return { backend: backend as unknown as WasmBackend, tensors, offsets };
}

const bytesAt = (heap: Heap, at: number, size: number): Uint8Array => new Uint8Array(memoryOf(heap).buffer, at, size);

test('a weight is copied once, and its room is used again when it is gone', () => {
  const heap = createSharedHeap();
  const { backend, tensors, offsets } = backendOf([30_000, 100, 30_000]);
  const mirror = createMirror(backend, heap);
  const [first, second, third] = tensors as [(typeof tensors)[0], (typeof tensors)[0], (typeof tensors)[0]];
  const at = mirror.keep(first);
  expect(bytesAt(heap, at, 30_000).every((byte) => byte === 1)).toBe(true);
  bytesAt(heap, at, 1)[0] = 99;
  expect(mirror.keep(first)).toBe(at);
  expect(bytesAt(heap, at, 1)[0]).toBe(99);
  expect(mirror.keep(second)).not.toBe(at);
  offsets.delete(first.dataId);
  expect(mirror.keep(third)).toBe(at);
  expect(bytesAt(heap, at, 30_000).every((byte) => byte === 3)).toBe(true);
});

test('staged blocks lie apart, and what is brought and fetched arrives', () => {
  const heap = createSharedHeap();
  const { backend, tensors, offsets } = backendOf([200, 200]);
  const mirror = createMirror(backend, heap);
  for (const sizes of [[10, 0, 65], [200_000, 1], [3]]) {
    const starts = mirror.stage(sizes);
    for (const [i, at] of starts.entries()) {
      expect(at % 64).toBe(0);
      if (i > 0) expect(at).toBeGreaterThanOrEqual(starts[i - 1]! + sizes[i - 1]!);
    }
  }
  const [at] = mirror.stage([200]) as [number];
  const [from, to] = tensors.map(({ dataId }) => offsets.get(dataId)!) as [number, number];
  mirror.bring(from + 50, 150, at + 50);
  mirror.fetch(at + 50, 20, to + 10);
  const result = [...new Uint8Array(backend.wasm.asm.memory!.buffer, to, 200)];
  expect(result).toEqual(result.map((_, i) => (i >= 10 && i < 30 ? 1 : 2)));
});
