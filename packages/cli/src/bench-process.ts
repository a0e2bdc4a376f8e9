import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CqError } from '@cq/core';
import type { Feeds } from './bench-feeds.ts';
import type { Job } from './bench-model.ts';
import type { Runtime } from './bench-runtime.ts';
import type { SimdLevel } from './bench-simd.ts';

export type Question =
  | { readonly kind: 'load'; readonly job: Job }
  | { readonly kind: 'run' }
  | { readonly kind: 'infer'; readonly feeds: Feeds }
  | { readonly kind: 'memory' };

export type Answer =
  | {
      readonly kind: 'ready';
      readonly runtime: Runtime;
      readonly threads: number;
      readonly simd: SimdLevel;
      readonly kernels: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'time'; readonly milliseconds: number }
  | { readonly kind: 'output'; readonly values: Float32Array }
  | { readonly kind: 'memory'; readonly peakBytes: number }
  | { readonly kind: 'failed'; readonly message: string; readonly expected: boolean };

/** A model in a process or page of its own. */
export interface Contestant {
  readonly name: string;
  readonly runtime: Runtime;
  readonly threads: number;
  /** What its process has: ours uncovers relaxed SIMD in Node 20. */
  readonly simd: SimdLevel;
  readonly kernels: Readonly<Record<string, number>>;
  /** Milliseconds of one inference on random input. */
  run(): Promise<number>;
  /** The first output for this input. */
  infer(feeds: Feeds): Promise<Float32Array>;
  /** The most memory that it has had, loading included. */
  peakBytes(): Promise<number>;
  stop(): void;
}

/**
 * Starts the process, which loads the model and warms up.
 * @param signal Ends it, whatever it is at.
 */
export async function startContestant(name: string, job: Job, signal: AbortSignal): Promise<Contestant> {
  const here = fileURLToPath(import.meta.url);
  const worker = fileURLToPath(new URL(`./bench-worker${extname(here)}`, import.meta.url));
  const child = fork(worker, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced', signal });
  child.on('error', () => undefined); // of the signal, between two questions

  const ask = <Kind extends Answer['kind']>(question: Question, kind: Kind): Promise<Extract<Answer, { kind: Kind }>> =>
    new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        child.off('message', onMessage).off('exit', onExit).off('error', reject);
        outcome();
      };
      const onMessage = (answer: Answer) =>
        settle(() => {
          if (answer.kind === kind) resolve(answer as Extract<Answer, { kind: Kind }>);
          else reject(failureOf(answer));
        });
      const onExit = (code: number | null, signal: string | null) =>
        settle(() =>
          reject(new CqError(`${name}: its process must answer, got its end (${signal ?? `code ${code}`})`)),
        );
      child.on('message', onMessage).on('exit', onExit).on('error', reject);
      child.send(question);
    });

  const stop = (): void => void child.kill();
  try {
    const { runtime, threads, simd, kernels } = await ask({ kind: 'load', job }, 'ready');
    return {
      name,
      runtime,
      threads,
      simd,
      kernels,
      run: async () => (await ask({ kind: 'run' }, 'time')).milliseconds,
      infer: async (feeds) => (await ask({ kind: 'infer', feeds }, 'output')).values,
      peakBytes: async () => (await ask({ kind: 'memory' }, 'memory')).peakBytes,
      stop,
    };
  } catch (error) {
    stop();
    throw error;
  }
}

function failureOf(answer: Answer): Error {
  if (answer.kind !== 'failed') return new Error(`bench: unexpected answer "${answer.kind}"`);
  return answer.expected ? new CqError(answer.message) : new Error(answer.message);
}
