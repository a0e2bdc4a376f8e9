import { backend as currentBackend } from '@tensorflow/tfjs-core';
import { giveThreads, startThreads, type Threads } from '../threads/threads.ts';
import type { WasmBackend } from '../workspace.ts';

const started = new Map<WasmBackend, Map<number, Threads>>();

afterAll(() => {
  for (const counts of started.values()) for (const { pool } of counts.values()) pool.end();
});

/** Makes kernels of the current backend run on so many threads, calls of any size. */
export async function useThreads(count: number): Promise<void> {
  const backend = currentBackend() as unknown as WasmBackend;
  const counts = started.get(backend) ?? new Map<number, Threads>();
  started.set(backend, counts);
  let threads = counts.get(count);
  if (!threads?.pool.running && count > 1) counts.set(count, (threads = (await startThreads(backend, count, 0))!));
  giveThreads(backend, threads);
}
