import { canonicalize } from './canonicalize.ts';
import { CqError } from './errors.ts';
import type { Graph } from './graph.ts';
import type { Dataset } from './dataset.ts';
import type { DataRole, Pass, PassContext } from './pass.ts';
import { asJson, type PassReport, type Report } from './report.ts';
import { fingerprintOf } from './resume/fingerprint.ts';
import type { FinishedPass } from './resume/finished-pass.ts';
import { openRun } from './resume/kept-run.ts';
import type { Store } from './store.ts';
import { verify } from './verify.ts';

/** Data by role, the seed, and where the work is kept. */
export interface CompressOptions {
  /** Examples that say how large activations are; labels are not looked at. */
  readonly calibration?: Dataset;
  /** Examples to train with, labelled where a loss needs it. */
  readonly training?: Dataset;
  /** Examples that passes may judge by; they must be others. */
  readonly evaluation?: Dataset;
  /** Of all randomness of the passes. Default: 1. */
  readonly seed?: number;
  /** Ends the work; no tensor is left behind. */
  readonly signal?: AbortSignal;
  /** Told how far the running pass is. */
  readonly onProgress?: (event: Progress) => void;
  /**
   * Where finished passes are kept, so that the same call goes on from there after the process was killed. The result has
   * the same bytes. It stays in the store when all is done; whoever owns the store empties it.
   */
  readonly store?: Store;
  /**
   * What the result depends on beside the model, data, passes with their options, seed, our version and kernels, which
   * are known here: the code of passes of one's own, say. With another value, what the store holds is refused.
   */
  readonly fingerprint?: Readonly<Record<string, string | number>>;
}

/** How far a run is: `done` of `total` steps of one of its passes. */
export interface Progress {
  readonly pass: string;
  /** Counted from 1. */
  readonly position: number;
  readonly passes: number;
  readonly done: number;
  readonly total: number;
}

/**
 * Runs passes in order over the canonical form of a model, verifying the graph after each.
 * @returns the annotated graph, in float; `lower` and `pack` make it small and fast.
 * @throws CqError if a pass lacks data or fails (the message names the pass and its position), or the store holds
 * another run (it names what differs).
 */
export async function compress(
  model: Graph,
  passes: readonly Pass[],
  {
    seed = 1,
    signal = new AbortController().signal,
    onProgress,
    store,
    fingerprint: more = {},
    ...data
  }: CompressOptions = {},
): Promise<{ graph: Graph; report: Report }> {
  checkNeeds(passes, data);
  let graph = canonicalize(model);
  verify(graph, 'compress');
  const kept = store && (await openRun(store, await fingerprintOf({ model, data, passes, seed, signal, more })));
  const reports: PassReport[] = [];
  for (const [index, pass] of passes.entries()) {
    signal.throwIfAborted();
    const position = index + 1;
    let finished = await kept?.finished(position, graph);
    if (!finished) {
      const origin = passes.length === 1 ? pass.name : `${pass.name} (pass ${position} of ${passes.length})`;
      finished = await runPass(pass, origin, graph, {
        ...{ data, seed, signal },
        ...(kept && { store: kept.partsOf(position) }),
        progress: (done, total) => onProgress?.({ pass: pass.name, position, passes: passes.length, done, total }),
      });
      await kept?.finish(position, graph, finished);
    }
    graph = finished.graph;
    reports.push(finished.report);
  }
  return { graph, report: { seed, passes: reports } };
}

async function runPass(
  pass: Pass,
  origin: string,
  before: Graph,
  context: Omit<PassContext, 'changed' | 'skipped'>,
): Promise<FinishedPass> {
  const changed: PassReport['changed'][number][] = [];
  const skipped: PassReport['skipped'][number][] = [];
  const start = performance.now();
  const graph = await pass.run(before, {
    ...context,
    changed: (value, details) => changed.push({ value, ...details }),
    skipped: (value, reason) => skipped.push({ value, reason }),
  });
  verify(graph, origin);
  checkSignature(before, graph, origin);
  const { name, options } = pass;
  return { graph, report: asJson({ name, options, changed, skipped, milliseconds: performance.now() - start }) };
}

function checkNeeds(passes: readonly Pass[], data: Partial<Record<DataRole, Dataset>>): void {
  for (const [index, { name, needs }] of passes.entries()) {
    for (const role of needs) {
      if (!data[role]) {
        throw new CqError(
          `compress: ${name} (pass ${index + 1} of ${passes.length}) needs ${role} data; add --${role} DATA`,
        );
      }
    }
  }
}

/** Rule 3 of a pass: names, shapes and types of inputs and outputs stay. */
function checkSignature(before: Graph, after: Graph, origin: string): void {
  const signature = ({ inputs, outputs }: Graph): string =>
    JSON.stringify([inputs, outputs].map((list) => list.map(({ name, dtype, shape }) => [name, dtype, shape])));
  if (signature(before) !== signature(after)) {
    throw new CqError(
      `${origin}: changed the model's inputs or outputs from ${signature(before)} to ${signature(after)}`,
    );
  }
}
