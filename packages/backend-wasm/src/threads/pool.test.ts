import { memoryOf, withSharedMemory, type Heap } from '../heap.ts';
import { kernelBytes } from '../variant.ts';
import { startPool, type Job, type Pool } from './pool.ts';
import { createSharedHeap } from './shared-heap.ts';

/** `forever`, which never returns, and `trap`, which fails; without parameters. */
const text = (name: string): number[] => [name.length, ...[...name].map((character) => character.charCodeAt(0))];
const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];
const misbehaving = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, 1, 0x60, 0, 0),
  ...section(2, 1, ...text('env'), ...text('memory'), 2, 3, 1, 128, 128, 4),
  ...section(3, 2, 0, 0),
  ...section(7, 2, ...text('forever'), 0, 0, ...text('trap'), 0, 1),
  ...section(10, 2, 7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b, 3, 0, 0x00, 0x0b),
]);

/** Address of the first block of a heap, which a pool takes for its tickets. */
const TICKETS = 64;

const pools: Pool[] = [];
afterEach(() => {
  for (const pool of pools.splice(0)) pool.end();
});

async function start(threads: number): Promise<{ pool: Pool; heap: Heap; floats: Float32Array; bytes: Uint8Array }> {
  const heap = createSharedHeap();
  const pool = await startPool(heap, threads);
  pools.push(pool);
  const at = heap._malloc(8000);
  const { buffer } = memoryOf(heap);
  return { pool, heap, floats: new Float32Array(buffer, at, 1000), bytes: new Uint8Array(buffer, at + 4000, 1000) };
}

/** `quantize` of `parts` parts of 10 numbers each. */
function quantizing(pool: Pool, { byteOffset: x }: Float32Array, { byteOffset: y }: Uint8Array, parts: number): Job {
  const parameters = Array.from({ length: parts }, (_, i) => [x + 40 * i, 10, 1, -128, 127, 0, y + 10 * i, 0]);
  return { module: pool.load(withSharedMemory(kernelBytes('simd'))), kernel: 'quantize', parameters, scratch: 0 };
}

const nothing = (): void => undefined;

function never(): never {
  throw new Error('a worker was to take this part');
}

/** Waits in `own` until workers have taken all parts. */
const untilTaken = (heap: Heap) => () => {
  const ticket = new Int32Array(memoryOf(heap).buffer, TICKETS, 1);
  while ((Atomics.load(ticket, 0) & 63) > 0);
};

test.each([1, 2, 3])('%i threads do every part once, many times over', async (threads) => {
  const { pool, floats, bytes } = await start(threads);
  const job = quantizing(pool, floats, bytes, 60);
  for (let round = 0; round < 300; round++) {
    floats.forEach((_, i) => (floats[i] = (i + round) % 100));
    bytes.fill(255);
    const mine: number[] = [];
    const theirs = pool.run(job, nothing, (part) => {
      mine.push(part);
      for (let i = 10 * part; i < 10 * part + 10; i++) bytes[i] = floats[i]!;
    });
    expect([...mine, ...theirs].sort((a, b) => a - b)).toEqual(job.parameters.map((_, part) => part));
    expect(bytes.subarray(0, 600).every((code, i) => code === (i + round) % 100)).toBe(true);
    expect(bytes[600]).toBe(255);
  }
});

test('workers can be given parts of several modules', async () => {
  const { pool, heap, floats, bytes } = await start(2);
  floats.fill(7);
  for (let i = 0; i < 2; i++) pool.run(quantizing(pool, floats, bytes.subarray(50 * i), 5), untilTaken(heap), never);
  expect(bytes.subarray(0, 100).every((code) => code === 7)).toBe(true);
});

test('a job without parts is left to the caller', async () => {
  const { pool, floats, bytes } = await start(2);
  const own = jest.fn();
  expect(pool.run({ ...quantizing(pool, floats, bytes, 1), parameters: [] }, own, never)).toEqual([]);
  expect(own).toHaveBeenCalledTimes(1);
});

test('workers sleep while there is nothing for them, whether or not the caller computes', async () => {
  const { pool, heap, floats, bytes } = await start(3);
  const [nobody, spent] = [new Int32Array(new SharedArrayBuffer(4)), { looking: 0, processor: 0 }];
  /** Nothing to do for 150 ms: what two workers that look all the time would take, and what the whole process took. */
  const pause = (): void => {
    const [start, before] = [performance.now(), process.cpuUsage()];
    Atomics.wait(nobody, 0, 0, 150);
    const { user, system } = process.cpuUsage(before);
    spent.looking += 2 * (performance.now() - start);
    spent.processor += (user + system) / 1000;
  };
  const computes = (): void => {
    untilTaken(heap)();
    pause();
  };
  pool.run(quantizing(pool, floats, bytes, 5), computes, never);
  pause();
  expect(spent.processor).toBeLessThan(spent.looking / 4);
});

test('a worker that does not answer is an error within 2 seconds, and the end of the pool', async () => {
  const { pool, heap } = await start(2);
  const module = pool.load(misbehaving);
  const begin = performance.now();
  const job = { module, kernel: 'forever', parameters: [[]], scratch: 0 };
  expect(() => pool.run(job, untilTaken(heap), never)).toThrow(
    /^backend-wasm: all 2 threads must answer, got one that/,
  );
  expect(performance.now() - begin).toBeLessThan(2000);
  expect(pool.running).toBe(false);
});

test('a worker that fails is an error at once', async () => {
  const { pool, heap } = await start(2);
  const job = { module: pool.load(misbehaving), kernel: 'trap', parameters: [[]], scratch: 0 };
  expect(() => pool.run(job, untilTaken(heap), never)).toThrow('got one that failed');
});

test('what the calling thread throws ends the pool', async () => {
  const { pool, floats, bytes } = await start(2);
  const fails = (): never => {
    throw new Error('of its own');
  };
  expect(() => pool.run(quantizing(pool, floats, bytes, 5), fails, nothing)).toThrow('of its own');
  expect(pool.running).toBe(false);
});
