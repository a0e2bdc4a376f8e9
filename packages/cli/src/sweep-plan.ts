import { relative, resolve } from 'node:path';
import type { Io } from './io.ts';
import { pathOrHubHash } from './sweep-cell.ts';
import type { SweepConfig } from './sweep-config.ts';
import { fingerprintsOf, passesOf, type SweepJob } from './sweep-job.ts';
import { UsageError } from './usage-error.ts';

export interface PlannedCell {
  readonly job: SweepJob;
  /** Fingerprints of the graph after each of its passes. */
  readonly passes: readonly string[];
}

/**
 * Every model with every recipe and seed, in this order.
 * @param folder That of the config file.
 */
export async function planCells(config: SweepConfig, folder: string, out: string, io: Io): Promise<PlannedCell[]> {
  const hashes = new Map<string, Promise<string>>();
  const hash = (path: string): Promise<string> => {
    if (!hashes.has(path)) hashes.set(path, pathOrHubHash(path, io));
    return hashes.get(path)!;
  };
  const { models, recipes, seeds, ...common } = config;
  const cells: PlannedCell[] = [];
  for (const model of models) {
    for (const recipe of recipes) {
      const passes = await passesOf(recipe, folder);
      for (const { name, needs } of passes) {
        const missing = needs.find((role) => role === 'evaluation' || config[role] === undefined);
        if (missing) throw new UsageError(missingData(recipe.name, name, missing));
      }
      for (const seed of seeds) {
        const cell = { ...common, model, recipe, seed };
        const fingerprints = await fingerprintsOf(cell, passes, folder, hash);
        const job = { fingerprint: fingerprints.cell, cell, out: relative(folder, resolve(out)) };
        cells.push({ job, passes: fingerprints.passes });
      }
    }
  }
  return cells;
}

function missingData(recipe: string, pass: string, role: string): string {
  return role === 'evaluation'
    ? `sweep: ${pass} of recipe ${recipe} needs evaluation data, which a sweep keeps for measuring; leave it out`
    : `sweep: ${pass} of recipe ${recipe} needs ${role} data; add "${role}" to the config`;
}

export interface Task {
  readonly job: SweepJob;
  /** The fingerprint of the job that must end before. */
  readonly after?: string;
}

/**
 * The cells, and before them, as jobs of their own, the passes that begin several: whoever computes at the same time need
 * not compute them twice.
 *
 *     D→Q, D→P→Q, D→P→log2     becomes     D;   after D: D→Q and D→P;   after D→P: D→P→Q and D→P→log2
 */
export function withSharedPasses(cells: readonly PlannedCell[]): Task[] {
  const next = new Map<string, Set<string>>();
  for (const { job, passes } of cells) {
    for (const [i, pass] of passes.entries()) {
      if (!next.has(pass)) next.set(pass, new Set());
      next.get(pass)!.add(passes[i + 1] ?? job.fingerprint);
    }
  }
  const tasks = new Map<string, Task>();
  for (const { job, passes } of cells) {
    let after: string | undefined;
    const add = (task: SweepJob): void => {
      if (!tasks.has(task.fingerprint))
        tasks.set(task.fingerprint, { job: task, ...(after !== undefined && { after }) });
      after = task.fingerprint;
    };
    for (const [i, pass] of passes.entries()) {
      if (next.get(pass)!.size > 1) add({ ...job, fingerprint: pass, sharedPasses: i + 1 });
    }
    add(job);
  }
  return [...tasks.values()];
}
