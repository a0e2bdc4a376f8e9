import type { Heap } from '../heap.ts';

const PAGE = 65536;
/** As the kernels' import allows: 4 GiB. Only what is used is taken from the machine. */
const MOST_PAGES = 65536;
/** A cache line: no two blocks share one. */
const ALIGNMENT = 64;

const aligned = (bytes: number): number => Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);

/** A memory of our own that threads can share. Grows when it must. */
export function createSharedHeap(): Heap {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  /** Address → bytes of the blocks that are in use, and of those that are free, in order and never side by side. */
  const used = new Map<number, number>();
  let free: readonly (readonly [at: number, bytes: number])[] = [[ALIGNMENT, PAGE - ALIGNMENT]]; // address 0 means failure

  /** Adds a block to those that are free. */
  function release(at: number, bytes: number): void {
    const next = free.findIndex(([other]) => other > at);
    const [before, after] = next < 0 ? [free, []] : [free.slice(0, next), free.slice(next)];
    const [last] = before.slice(-1);
    const [first] = after;
    const joinsLast = last !== undefined && last[0] + last[1] === at;
    const joinsFirst = first !== undefined && at + bytes === first[0];
    const start = joinsLast ? last[0] : at;
    const end = joinsFirst ? first[0] + first[1] : at + bytes;
    free = [
      ...(joinsLast ? before.slice(0, -1) : before),
      [start, end - start],
      ...(joinsFirst ? after.slice(1) : after),
    ];
  }

  function grow(bytes: number): boolean {
    const size = memory.buffer.byteLength;
    const pages = Math.ceil(bytes / PAGE);
    if (size / PAGE + pages > MOST_PAGES) return false;
    try {
      memory.grow(pages);
    } catch {
      return false;
    }
    release(size, pages * PAGE);
    return true;
  }

  return {
    asm: {},
    wasmMemory: memory,
    _malloc(bytes) {
      const size = aligned(bytes);
      const fits = (): number => free.findIndex(([, room]) => room >= size);
      let found = fits();
      if (found < 0 && grow(size)) found = fits();
      if (found < 0) return 0;
      const [at, room] = free[found]!;
      used.set(at, size);
      free = free.flatMap((block, i) =>
        i !== found ? [block] : room === size ? [] : [[at + size, room - size] as const],
      );
      return at;
    },
    _free(at) {
      const bytes = used.get(at);
      if (bytes === undefined) return;
      used.delete(at);
      release(at, bytes);
    },
  };
}
