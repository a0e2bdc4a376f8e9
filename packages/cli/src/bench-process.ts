import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CqError } from '@cq/core';
import type { Runtime } from './bench-model.ts';

export type Question =
  | { readonly kind: 'load'; readonly model: string; readonly seed: number }
  | { readonly kind: 'run' }
  | { readonly kind: 'memory' };

export type Answer =
  | { readonly kind: 'ready'; readonly runtime: Runtime; readonly kernels: Readonly<Record<string, number>> }
  | { readonly kind: 'time'; readonly milliseconds: number }
  | { readonly kind: 'memory'; readonly peakBytes: number }
  | { readonly kind: 'failed'; readonly message: string; readonly expected: boolean };

/** A model in a process of its own. */
export interface Contestant {
  readonly name: string;
  readonly runtime: Runtime;
  readonly kernels: Readonly<Record<string, number>>;
  run(): Promise<number>;
  peakBytes(): Promise<number>;
  stop(): void;
}

/** Starts the process, which loads the model and warms up. */
export async function startContestant(model: string, seed: number): Promise<Contestant> {
  const here = fileURLToPath(import.meta.url);
  const worker = fileURLToPath(new URL(`./bench-worker${extname(here)}`, import.meta.url));
  const child = fork(worker, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });

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
          reject(new CqError(`${model}: its process must answer, got its end (${signal ?? `code ${code}`})`)),
        );
      child.on('message', onMessage).on('exit', onExit).on('error', reject);
      child.send(question);
    });

  const stop = (): void => void child.kill();
  try {
    const { runtime, kernels } = await ask({ kind: 'load', model, seed }, 'ready');
    return {
      name: model,
      runtime,
      kernels,
      run: async () => (await ask({ kind: 'run' }, 'time')).milliseconds,
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
