import type { LeftInFloat, Report } from '@cq/core';
import type { Machine } from './machine.ts';

/** What `compress` prints with --json and writes as report.json. Only here, never in the model, are times and a machine. */
export interface CompressionReport extends Report {
  readonly model: string;
  /** Its name, or the config file. */
  readonly recipe: string;
  /** Calibration examples used. */
  readonly samples: number;
  readonly version: string;
  /** Of weights: those of the model as it came, and those written. */
  readonly bytes: { readonly before: number; readonly after: number; readonly ratio: number };
  /** Every value that no integer node computes, and why. */
  readonly left: readonly LeftInFloat[];
  /** Loading and writing included. */
  readonly milliseconds: number;
  /** ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
}
