import { backend as currentBackend, findBackend, getBackend } from '@tensorflow/tfjs-core';
import { CqError } from '@cq/core/runtime';
import { isShared, type Heap } from '../heap.ts';
import type { WasmBackend } from '../workspace.ts';
import { createMirror, type Mirror } from './mirror.ts';
import { startPool, type Pool } from './pool.ts';
import { createSharedHeap } from './shared-heap.ts';

/** The threads of a backend, the calling one among them. */
export interface Threads {
  readonly pool: Pool;
  /** Absent where the threads share the backend's own heap. */
  readonly mirror: Mirror | undefined;
  /** Multiplications of a call below which one thread is faster. */
  readonly leastWork: number;
}

const MOST_THREADS = 32;

/** What one thread computes in 50 µs: three times what it takes to part a call, copy its rows and tell the workers. */
const LEAST_WORK = 2_000_000;

const inUse = new WeakMap<WasmBackend, Threads>();
let changes: Promise<unknown> = Promise.resolve();

/**
 * Makes the kernels of lowered ops run on so many threads, the calling one among them. The results are the same bytes for
 * every count. TensorFlow.js's `wasm` backend must be the current one; the threads end with it.
 * @param count 1 to 32; more than there are cores makes kernels slower. 1, as without any call, ends the other threads.
 * @returns How many there are, once they are: 1 where memory cannot be shared, as in pages that are not cross-origin
 *   isolated.
 * @throws CqError for any other count or backend, or if workers cannot start.
 */
export function setThreads(count: number): Promise<number> {
  const change = changes.then(() => changeThreads(count));
  changes = change.catch(() => undefined);
  return change;
}

async function changeThreads(count: number): Promise<number> {
  if (!Number.isInteger(count) || count < 1 || count > MOST_THREADS) {
    throw new CqError(`setThreads: count must be a whole number from 1 to ${MOST_THREADS}, got ${String(count)}`);
  }
  if (getBackend() !== 'wasm') {
    throw new CqError(
      `setThreads: the backend must be "wasm", got "${getBackend()}"; call tf.setBackend('wasm') before`,
    );
  }
  const backend = currentBackend() as unknown as WasmBackend;
  endThreads(backend);
  const threads = count > 1 ? await startThreads(backend, count, LEAST_WORK) : undefined;
  if (findBackend('wasm') !== (backend as unknown)) {
    threads?.pool.end();
    throw new CqError('setThreads: the backend must stay until its threads have started, got its end');
  }
  giveThreads(backend, threads);
  return threads?.pool.threads ?? 1;
}

/** Undefined if they cannot share memory. */
export async function startThreads(
  backend: WasmBackend,
  count: number,
  leastWork: number,
): Promise<Threads | undefined> {
  const heap = isShared(backend.wasm) ? backend.wasm : sharedHeap();
  if (!heap) return undefined;
  const pool = await startPool(heap, count);
  return { pool, mirror: heap === backend.wasm ? undefined : createMirror(backend, heap), leastWork };
}

export function giveThreads(backend: WasmBackend, threads: Threads | undefined): void {
  if (threads) inUse.set(backend, threads);
  else inUse.delete(backend);
}

/** Undefined if the backend has one thread. */
export function threadsOf(backend: WasmBackend): Threads | undefined {
  const threads = inUse.get(backend);
  return threads?.pool.running ? threads : undefined;
}

export function endThreads(backend: WasmBackend): void {
  inUse.get(backend)?.pool.end();
  inUse.delete(backend);
}

function sharedHeap(): Heap | undefined {
  if (typeof SharedArrayBuffer === 'undefined') return undefined;
  try {
    return createSharedHeap();
  } catch {
    return undefined; // The engine has no room for one.
  }
}
