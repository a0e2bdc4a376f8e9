import type { Graph, Schedule, Scope } from '@cq/core';
import type { LayerPair } from './layer-pairs.ts';
import { lossNames, type Loss } from './losses.ts';
import type { Pruning } from './training-masks.ts';

/** What the student learns from, how long and how. */
export interface DistillOptions extends Scope {
  /** The model to learn from. Not needed for labels alone, or for soft targets if the data have them: `withAnswers`. */
  readonly teacher?: Graph;
  /** What it learns from; their sum is minimized. */
  readonly losses: readonly Loss[];
  /** What soft targets count for beside labels, in [0, 1]; the labels count for the rest. */
  readonly alpha: number;
  /** Of the softmax of soft targets. */
  readonly temperature: number;
  /** Blocks of the student and of the teacher that are to be alike, from 0; by default shared out evenly. */
  readonly layers?: readonly LayerPair[];
  /** Training steps of `batchSize` examples. */
  readonly steps: number;
  /** Examples of a step. */
  readonly batchSize: number;
  /** Examples that run together. Texts of a step are sorted by length: small parts have little padding. */
  readonly part: number;
  /** Of Adam, at its highest. */
  readonly rate: number;
  /** How the rate falls after it has risen. */
  readonly schedule: Schedule;
  /** Fraction of the steps over which the rate rises first. */
  readonly warmUp: number;
  /** Weight decay of matrices. */
  readonly decay: number;
  /** Lets the masks that weights have grow on the way. */
  readonly pruning?: Pruning;
}

/** Whether a loss looks inside the teacher. */
export const looksInside = (losses: readonly Loss[]): boolean =>
  losses.includes('hidden') || losses.includes('attention');

/** true, or the rule that is broken. */
export function checkOptions({ teacher, losses, alpha, temperature, ...training }: DistillOptions): true | string {
  const { steps, batchSize, part, rate, warmUp, decay, pruning } = training;
  const unknown = losses.find((loss) => !lossNames.includes(loss));
  if (unknown !== undefined || losses.length === 0)
    return `losses must be of ${lossNames.join(', ')}, got ${unknown === undefined ? 'none' : `"${unknown}"`}`;
  if (!teacher && looksInside(losses)) return `losses hidden and attention need a teacher, got none`;
  if (!(alpha >= 0 && alpha <= 1)) return `alpha must be in [0, 1], got ${alpha}`;
  if (!(temperature > 0)) return `temperature must be above 0, got ${temperature}`;
  if (!Number.isInteger(steps) || steps < 0) return `steps must be a whole number from 0, got ${steps}`;
  for (const [name, value] of Object.entries({ batchSize, part, ...(pruning && { 'pruning.every': pruning.every }) })) {
    if (!Number.isInteger(value) || value < 1) return `${name} must be a whole number from 1, got ${value}`;
  }
  if (!(rate > 0)) return `rate must be above 0, got ${rate}`;
  if (!(warmUp >= 0 && warmUp < 1)) return `warmUp must be in [0, 1), got ${warmUp}`;
  return decay >= 0 || `decay must be 0 or more, got ${decay}`;
}
