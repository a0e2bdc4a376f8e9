import type { CellResult } from './sweep-cell.ts';
import type { SweepJob } from './sweep-job.ts';
import type { OnProgress } from './sweep-process.ts';

/** Whoever computes the jobs of a sweep. */
export interface Runner {
  /** Resolves to nothing for a job whose result only other jobs need. */
  run(job: SweepJob, progress: OnProgress): Promise<CellResult | undefined>;
  close(): Promise<void>;
}
