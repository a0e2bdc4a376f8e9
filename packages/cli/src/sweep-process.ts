import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CqError } from '@cq/core';
import type { CellResult } from './sweep-cell.ts';
import type { Answer, Question } from './sweep-child.ts';
import type { SweepJob } from './sweep-job.ts';

export type OnProgress = (label: string, done: number, total: number) => void;

/**
 * Computes a job in a process of its own: kernels block the event loop, and a worker of a queue must answer meanwhile.
 * @param folder That of the config.
 * @param signal Ends the process, whatever it is at.
 */
export async function runInProcess(
  job: SweepJob,
  folder: string,
  signal: AbortSignal,
  progress: OnProgress = () => undefined,
): Promise<CellResult | undefined> {
  signal.throwIfAborted();
  const here = fileURLToPath(import.meta.url);
  const child = fork(fileURLToPath(new URL(`./sweep-child${extname(here)}`, import.meta.url)), [], {
    ...{ stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced', signal, killSignal: 'SIGKILL' },
  });
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject).on('exit', (code, killed) => {
        const { model, recipe } = job.cell;
        reject(
          new CqError(`sweep: ${model.name} × ${recipe.name}: its process must answer, got its end (${killed ?? `code ${code}`})`), // prettier-ignore
        );
      });
      child.on('message', (answer: Answer) => {
        if (answer.kind === 'progress') progress(answer.label, answer.done, answer.total);
        else if (answer.kind === 'done') resolve(answer.result);
        else reject(answer.expected ? new CqError(answer.message) : new Error(answer.message));
      });
      child.send({ job, folder } satisfies Question);
    });
  } finally {
    child.kill('SIGKILL');
  }
}
