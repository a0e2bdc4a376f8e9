import type * as BullMQ from 'bullmq';
import { CqError } from '@cq/core';
import type { CellResult } from './sweep-cell.ts';
import { runInProcess } from './sweep-process.ts';
import type { SweepJob } from './sweep-job.ts';
import type { Runner } from './sweep-runner.ts';
import { UsageError } from './usage-error.ts';

/** Where jobs wait for workers. */
export interface RedisQueue {
  readonly url: string;
  readonly name: string;
}

const SECONDS_KEPT = 7 * 24 * 3600;

/**
 * Puts jobs into the queue under their fingerprints: one that is there is not put there again.
 * @param resume Whether that counts for those as well that an earlier run of the sweep has ended.
 */
export async function redisRunner(queue: RedisQueue, resume: boolean): Promise<Runner> {
  const { Queue, QueueEvents } = await bullmq('sweep');
  await requireRedis('sweep', queue.url);
  const options = { connection: connectionTo(queue.url) };
  const jobs = new Queue(queue.name, options);
  const events = new QueueEvents(queue.name, options);
  jobs.on('error', () => undefined); // It connects again.
  events.on('error', () => undefined);
  await events.waitUntilReady();
  return {
    async run(job) {
      const kept = { age: SECONDS_KEPT };
      const { fingerprint: jobId } = job;
      const before = await jobs.getJob(jobId);
      if (before && !resume && (await before.isCompleted())) await before.remove();
      const added = await jobs.add('job', job, { jobId, removeOnComplete: kept, removeOnFail: kept });
      if (await added.isFailed()) await added.retry('failed'); // In an earlier run of the sweep.
      try {
        return ((await added.waitUntilFinished(events)) as CellResult | null) ?? undefined;
      } catch (error) {
        throw new CqError((error as Error).message, { cause: error });
      }
    },
    async close() {
      await Promise.all([events.close(), jobs.close()]);
    },
  };
}

export interface WorkerOptions {
  /** Where the paths of jobs start. */
  readonly folder: string;
  /** How long a worker may be silent before its job goes to another. */
  readonly stalledAfterSeconds: number;
  readonly signal: AbortSignal;
  readonly begun: (job: SweepJob) => void;
  readonly ended: (job: SweepJob, error?: Error) => void;
}

/**
 * Takes jobs from the queue, one at a time, until the signal is aborted: then the job at hand goes back into it.
 *
 * A job ends once: while it runs, its worker renews a lock; a worker that was killed does not, so that another takes the
 * job, and one that only was silent for too long has no lock any more to end it with.
 */
export async function work(queue: RedisQueue, options: WorkerOptions): Promise<void> {
  const { folder, stalledAfterSeconds, signal, begun, ended } = options;
  const { Worker, WaitingError } = await bullmq('worker');
  await requireRedis('worker', queue.url);
  const milliseconds = 1000 * stalledAfterSeconds;
  const compute = async (
    entry: BullMQ.Job<SweepJob>,
    token?: string,
    lost?: AbortSignal,
  ): Promise<CellResult | undefined> => {
    begun(entry.data);
    try {
      return await runInProcess(entry.data, folder, AbortSignal.any([signal, ...(lost ? [lost] : [])]));
    } catch (error) {
      if (!signal.aborted) throw error;
      await entry.moveToWait(token);
      throw new WaitingError();
    }
  };
  const worker = new Worker<SweepJob, CellResult | undefined>(queue.name, compute, {
    connection: connectionTo(queue.url),
    ...{ lockDuration: milliseconds, stalledInterval: milliseconds / 2, maxStalledCount: MOST_KILLS },
  });
  worker.on('error', () => undefined); // It connects again.
  worker.on('lockRenewalFailed', (ids) => ids.forEach((id) => worker.cancelJob(id, 'another worker has it')));
  worker.on('completed', ({ data }) => ended(data));
  worker.on('failed', (entry, error) => entry && ended(entry.data, error));
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await worker.close();
}

/** Workers that a job may lose before it counts as what kills them. */
const MOST_KILLS = 5;

/** It is for those who have a Redis server: nobody else need install it. */
async function bullmq(command: string): Promise<typeof BullMQ> {
  try {
    return await import('bullmq');
  } catch (error) {
    throw new UsageError(
      `${command}: --redis needs the packages bullmq and ioredis, which are not installed; add them: npm install bullmq ioredis`,
      { cause: error },
    );
  }
}

const connectionTo = (url: string) => ({ url, maxRetriesPerRequest: null });

/** The queue would wait for a server for ever. */
async function requireRedis(command: string, url: string): Promise<void> {
  if (!/^(rediss?|unix):\/\//.test(url)) {
    throw new UsageError(
      `${command}: --redis must be a URL like redis://localhost:6379, got "${withoutPassword(url)}"`,
    );
  }
  const { Redis } = await import('ioredis');
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 5000 });
  let reason: Error | undefined;
  client.on('error', (error: Error) => (reason = error));
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    const { code, message } = (reason ?? error) as NodeJS.ErrnoException;
    throw new CqError(
      `${command}: a Redis server must answer at ${withoutPassword(url)}, got ${code ?? message}; start redis-server, or correct --redis`,
      { cause: error },
    );
  } finally {
    if (client.status !== 'end') client.disconnect(); // Of one that has ended it would wait for the end.
  }
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^@/]*@/, '//');
