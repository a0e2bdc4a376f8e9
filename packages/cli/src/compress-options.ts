import type { RecipeOptions } from './recipes.ts';
import type { Goal } from './search-candidate.ts';

/** What `cq compress` was asked for. */
export interface CompressOptions {
  readonly recipe?: string;
  readonly effort?: RecipeOptions['effort'];
  readonly strict?: boolean;
  readonly config?: string;
  readonly maxDrop?: number;
  readonly target: Goal['target'];
  readonly calibration?: string;
  readonly samples: number;
  readonly training?: string;
  readonly evaluation?: string;
  readonly allowOverlap?: boolean;
  readonly out: string;
  readonly seed: number;
  readonly resume?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}
