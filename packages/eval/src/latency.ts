import { CqError } from '@cq/core';

/** Three numbers that say more about times than a mean, which one interruption spoils. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** How often something is run to be timed. */
export interface LatencyOptions {
  /** Runs before the first that counts: they compile, allocate and fill caches. */
  readonly warmUp?: number;
  /** Runs that count. Default: 20. */
  readonly rounds?: number;
}

/** How long `run` takes, in milliseconds. */
export async function latency(run: () => unknown, { warmUp = 3, rounds = 20 }: LatencyOptions = {}): Promise<Spread> {
  for (let i = 0; i < warmUp; i++) await run();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return spread(times);
}

/** The least, the median and the greatest of at least one number. */
export function spread(values: readonly number[]): Spread {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) };
}

/** The value in the middle, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new CqError('median: takes at least one value, got none');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The least value that a share of all, from 0 to 1, do not exceed: 0.95 is the 95th percentile. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new CqError('percentile: takes at least one value, got none');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}
