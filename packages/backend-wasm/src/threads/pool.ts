import { CqError } from '@cq/core/runtime';
import { allocate, memoryOf, type Heap } from '../heap.ts';
import {
  BUSY,
  CONTROL_BYTES,
  DONE,
  FAILED,
  KERNEL,
  LEFT,
  MODULE,
  MODULE_AT,
  MODULE_BYTES,
  MOST_PARAMETERS,
  nextTicket,
  NUMBERS,
  NUMBERS_AT,
  PARAMETERS,
  SCRATCH_AT,
  SCRATCH_BYTES,
  TICKET,
  WORDS,
} from './control.ts';
import { startWorker, type RunningWorker } from './start-worker.ts';

/** A module of kernels that workers can call. */
export interface PoolModule {
  readonly number: number;
  readonly at: number;
  readonly bytes: number;
  /** Names of its exports, in their order. */
  readonly kernels: readonly string[];
}

/** One kernel on parts that need nothing of each other. */
export interface Job {
  readonly module: PoolModule;
  readonly kernel: string;
  /** Of each part: at most 63 parts of 48 numbers. */
  readonly parameters: readonly (readonly number[])[];
  /** Bytes of scratch memory, whose address takes the place of the last parameter; 0 if the kernel needs none. */
  readonly scratch: number;
}

/** Workers that share a memory, and the thread that calls. Knows nothing of what the kernels do. */
export interface Pool {
  readonly threads: number;
  /** Whether it still works. */
  readonly running: boolean;
  /** @param bytes A binary that imports a shared memory and nothing else. */
  load(bytes: Uint8Array<ArrayBuffer>): PoolModule;
  /**
   * Runs a job while the caller runs `own`, and then, with `mine`, the parts that no worker has taken. Returns when all
   * parts are done.
   * @returns The parts that workers did.
   * @throws CqError if a worker has ended or does not answer; the pool has ended then.
   */
  run(job: Job, own: () => void, mine: (part: number) => void): readonly number[];
  end(): void;
}

/** A worker may take so many times longer for one part than the caller takes for all of its own. */
const PATIENCE = 20;
const LEAST_PATIENCE_MILLISECONDS = 1500;
/** So long the caller looks for the end of the last part before it sleeps, where it may. */
const SPIN_MILLISECONDS = 0.1;
const CACHE_LINE = 64;

/**
 * Resolves when all workers are ready.
 * @param heap Its memory is shared.
 */
export async function startPool(heap: Heap, threads: number): Promise<Pool> {
  const memory = memoryOf(heap);
  // Never freed: a worker that ends may look at it once more.
  const control = allocate(heap, CONTROL_BYTES);
  const words = new Int32Array(memory.buffer, control, WORDS).fill(0);
  const numbers = new Float64Array(memory.buffer, control + NUMBERS_AT, NUMBERS);
  const mayWait = waitsAllowed(words);
  const modules: PoolModule[] = [];
  let scratch = { at: 0, bytes: 0 };
  let broken: string | undefined;
  let running = true;

  const starts = Array.from({ length: threads - 1 }, (_, worker) =>
    startWorker({ memory, at: control, worker }, (reason) => (broken ??= reason)),
  );
  const workers: RunningWorker[] = [];
  for (const start of await Promise.allSettled(starts)) if (start.status === 'fulfilled') workers.push(start.value);
  if (broken !== undefined) {
    end();
    throw new CqError(
      `setThreads: workers must start, got: ${broken}; a page's Content-Security-Policy must have worker-src blob:`,
    );
  }

  function end(): void {
    if (!running) return;
    running = false;
    for (const worker of workers) worker.end();
  }

  /** Scratch memory of all workers, each of which has `bytes` of it. */
  function scratchOf(bytes: number): typeof scratch {
    if (bytes > scratch.bytes) {
      if (scratch.at) heap._free(scratch.at);
      scratch = { at: 0, bytes: 0 };
      const each = Math.ceil(bytes / CACHE_LINE) * CACHE_LINE;
      scratch = { at: allocate(heap, each * (threads - 1) + CACHE_LINE), bytes: each };
    }
    return scratch;
  }

  function publish({ module, kernel, parameters, scratch: bytes }: Job): void {
    const { at, bytes: each } = scratchOf(bytes);
    numbers[MODULE_AT] = module.at;
    numbers[MODULE_BYTES] = module.bytes;
    numbers[MODULE] = module.number;
    numbers[KERNEL] = module.kernels.indexOf(kernel);
    numbers[SCRATCH_AT] = Math.ceil(at / CACHE_LINE) * CACHE_LINE;
    numbers[SCRATCH_BYTES] = bytes > 0 ? each : 0;
    for (const [part, list] of parameters.entries()) numbers.set(list, PARAMETERS + part * MOST_PARAMETERS);
    Atomics.store(words, DONE, 0);
    Atomics.store(words, BUSY, 1);
    Atomics.store(words, TICKET, nextTicket(Atomics.load(words, TICKET), parameters.length));
    Atomics.notify(words, TICKET);
  }

  /** Takes a part; −1 if none is left. */
  function take(): number {
    for (;;) {
      const ticket = Atomics.load(words, TICKET);
      const left = ticket & LEFT;
      if (left === 0) return -1;
      if (Atomics.compareExchange(words, TICKET, ticket, ticket - 1) === ticket) return left - 1;
    }
  }

  /** Returns when workers have done so many parts. */
  function waitFor(parts: number, patience: number): void {
    const start = performance.now();
    for (let done = Atomics.load(words, DONE); done < parts; done = Atomics.load(words, DONE)) {
      const waited = performance.now() - start;
      if (Atomics.load(words, FAILED)) throw failure('one that failed');
      if (waited > patience) throw failure(`one that has not answered for ${Math.round(waited)} ms`);
      if (mayWait && waited > SPIN_MILLISECONDS) Atomics.wait(words, DONE, done, 1);
    }
  }

  function failure(got: string): CqError {
    return new CqError(
      `backend-wasm: all ${threads} threads must answer, got ${got}; kernels use one from here on, setThreads starts others`,
    );
  }

  return {
    threads,
    get running() {
      return running;
    },
    load(bytes) {
      const at = allocate(heap, bytes.length);
      new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
      const kernels = WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name);
      const module = { number: modules.length, at, bytes: bytes.length, kernels };
      modules.push(module);
      return module;
    },
    run(job, own, mine) {
      try {
        if (broken !== undefined) throw failure(broken);
        const theirs = new Set(job.parameters.keys());
        publish(job);
        const start = performance.now();
        own();
        for (let part = take(); part >= 0; part = take()) {
          mine(part);
          theirs.delete(part);
        }
        Atomics.store(words, BUSY, 0);
        waitFor(theirs.size, Math.max(LEAST_PATIENCE_MILLISECONDS, PATIENCE * (performance.now() - start)));
        return [...theirs];
      } catch (error) {
        end();
        throw error;
      }
    },
    end,
  };
}

/** Whether this thread may wait: the main thread of a page may not. */
function waitsAllowed(words: Int32Array): boolean {
  try {
    Atomics.wait(words, FAILED, 1);
    return true;
  } catch {
    return false;
  }
}
