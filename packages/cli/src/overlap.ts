import { CqError, type Dataset } from '@cq/core';
import { count } from './output.ts';
import { digestsOf, type Roles } from './used-examples.ts';

export interface Overlap {
  /** Examples that are among those compared with. */
  readonly shared: number;
  /** Where the first of them is. */
  readonly first?: string;
}

/**
 * undefined if the source cannot tell what its examples are.
 * @param limit Only the first so many examples are looked at.
 */
export async function overlap(
  dataset: Dataset,
  digests: ReadonlySet<string>,
  limit = dataset.size,
): Promise<Overlap | undefined> {
  if (!dataset.contents) return undefined;
  let shared = 0;
  let first: string | undefined;
  const looked = Array.from({ length: Math.min(limit, dataset.size) }, (_, index) => index);
  for await (const { digest, place } of dataset.contents(looked)) {
    if (!digests.has(digest)) continue;
    shared++;
    first ??= place;
  }
  return { shared, ...(first !== undefined && { first }) };
}

/**
 * Refuses data that a model was made from.
 * @param other What they were: `the calibration data of out/int8`.
 */
export function refuseOverlap(command: string, data: string, { shared, first }: Overlap, other: string): void {
  if (shared === 0) return;
  throw new CqError(
    `${command}: the evaluation data ${data} must share no example with ${other}, got ${count(shared)} that both have, ` +
      `the first ${first}: what a model has seen says too little about what it will see; give other data, or add --allow-overlap`,
  );
}

/**
 * Holds the evaluation data, of which the first `limit` count, against the data that a model is about to be made from.
 * @throws CqError that says how many examples they share.
 */
export async function guardEvaluation(command: string, { evaluation, ...others }: Roles, limit?: number) {
  for (const role of ['calibration', 'training'] as const) {
    const other = others[role];
    const digests = evaluation && other && (await digestsOf(other));
    const found = digests && (await overlap(evaluation, digests, limit));
    if (found) refuseOverlap(command, evaluation.name, found, `the ${role} data ${other.name}`);
  }
}
