import { CqError } from '@cq/core';
import { runCell, type CellResult } from './sweep-cell.ts';
import type { SweepJob } from './sweep-job.ts';

export interface Question {
  readonly job: SweepJob;
  readonly folder: string;
}

export type Answer =
  | { readonly kind: 'progress'; readonly label: string; readonly done: number; readonly total: number }
  | { readonly kind: 'done'; readonly result: CellResult | undefined }
  | { readonly kind: 'failed'; readonly message: string; readonly expected: boolean };

/** The process of one job: what it is told first is the job, and the last that it says is how that ended. */
const answer = (message: Answer): void => void process.send?.(message);

process.once('message', ({ job, folder }: Question) => {
  const { stdout, stderr, env } = process;
  const work = runCell(job, {
    folder,
    io: { stdout, stderr, env, signal: new AbortController().signal },
    progress: (label, done, total) => answer({ kind: 'progress', label, done, total }),
    wanted: () => process.connected,
  });
  void work.then(
    (result) => answer({ kind: 'done', result }),
    (error: unknown) => {
      const expected = error instanceof CqError;
      const { message, stack } = error as Error;
      answer({ kind: 'failed', message: expected ? message : (stack ?? message), expected });
    },
  );
});
process.once('disconnect', () => process.exit(1)); // The parent was killed: somebody else has the job now.
