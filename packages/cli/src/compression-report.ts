import { weightBytes, type Graph, type LeftInFloat, type Report } from '@cq/core';
import type { Spread } from '@cq/eval';
import type { Inside } from './inside.ts';
import { machine, type Machine } from './machine.ts';
import type { Search } from './search.ts';
import type { UsedExamples } from './used-examples.ts';
import { version } from './version.ts';
import type { Worth } from './worth.ts';

/** What `compress` prints with --json and writes as report.json. Only here, never in the model, are times and a machine. */
export interface CompressionReport extends Report {
  readonly model: string;
  /** Its name, or the config file. */
  readonly recipe: string;
  /** What reproduces the model. */
  readonly command?: string;
  /** Calibration examples used. */
  readonly samples: number;
  /** Which they were, so that `cq eval` can tell whether it is given some of them. */
  readonly examples?: UsedExamples;
  readonly version: string;
  /** Of weights: those of the model as it came, and those written. */
  readonly bytes: { readonly before: number; readonly after: number; readonly ratio: number };
  /** Every value that no integer node computes, and why. */
  readonly left: readonly LeftInFloat[];
  /** How the recipe was found, if it was. */
  readonly search?: Search;
  readonly inside?: Inside;
  readonly worth?: Worth;
  /** Milliseconds of one example, the models taking turns. */
  readonly latency?: { readonly before: Spread; readonly after: Spread };
  /** Loading and writing included. */
  readonly milliseconds: number;
  /** ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
}

/** What a compression has made, and of what: all that its report and files are written from. */
export interface Compressed extends Pick<CompressionReport, 'command' | 'search' | 'inside' | 'worth' | 'latency'> {
  /** As it came. */
  readonly graph: Graph;
  readonly lowered: { readonly graph: Graph; readonly left: readonly LeftInFloat[] };
  readonly report: Report;
  readonly model: string;
  readonly recipe: string;
  readonly samples: number;
  readonly examples?: UsedExamples;
  /** When the work began, by `performance.now()`. */
  readonly start: number;
}

/** @param after Weight bytes as written. */
export function compressionReport(compressed: Compressed, after: number): CompressionReport {
  const { graph, lowered, report, model, recipe, command, samples, examples, start } = compressed;
  const { search, inside, worth, latency } = compressed;
  const before = weightBytes(graph);
  return {
    model,
    recipe,
    ...(command !== undefined && { command }),
    samples,
    ...(examples && { examples }),
    version,
    ...report,
    bytes: { before, after, ratio: after / before },
    left: lowered.left,
    ...(search && { search }),
    ...(inside && { inside }),
    ...(worth && { worth }),
    ...(latency && { latency }),
    milliseconds: performance.now() - start,
    date: new Date().toISOString(),
    machine: machine(),
  };
}
