import { runInProcess } from './sweep-process.ts';
import type { Runner } from './sweep-runner.ts';

/** Computes jobs on this machine, one after the other, as each wants all of its cores and memory. */
export function localRunner(folder: string, signal: AbortSignal): Runner {
  let before: Promise<unknown> = Promise.resolve();
  return {
    run(job, progress) {
      const result = before.then(() => runInProcess(job, folder, signal, progress));
      before = result.catch(() => undefined);
      return result;
    },
    close: () => Promise.resolve(),
  };
}
