import { canonicalize } from './canonicalize.ts';
import { CqError } from './errors.ts';
import type { Graph } from './graph.ts';
import type { Dataset } from './dataset.ts';
import type { DataRole, Pass } from './pass.ts';
import { verify } from './verify.ts';

export interface CompressOptions {
  readonly calibration?: Dataset;
  readonly training?: Dataset;
  readonly evaluation?: Dataset;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: Progress) => void;
}

export interface Progress {
  readonly pass: string;
  /** Counted from 1. */
  readonly position: number;
  readonly passes: number;
  readonly done: number;
  readonly total: number;
}

/** What happened, as a JSON value. */
export interface Report {
  readonly seed: number;
  readonly passes: readonly PassReport[];
}

export interface PassReport {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly changed: readonly { readonly value: string; readonly [detail: string]: unknown }[];
  readonly skipped: readonly { readonly value: string; readonly reason: string }[];
  readonly milliseconds: number;
}

/**
 * Runs passes in order over the canonical form of a model, verifying the graph after each.
 * @returns the annotated graph, in float; `lower` and `pack` make it small and fast.
 * @throws CqError if a pass lacks data or fails; the message names the pass and its position.
 */
export async function compress(
  model: Graph,
  passes: readonly Pass[],
  { seed = 1, signal = new AbortController().signal, onProgress, ...data }: CompressOptions = {},
): Promise<{ graph: Graph; report: Report }> {
  checkNeeds(passes, data);
  let graph = canonicalize(model);
  verify(graph, 'compress');
  const reports: PassReport[] = [];
  for (const [index, pass] of passes.entries()) {
    signal.throwIfAborted();
    const changed: PassReport['changed'][number][] = [];
    const skipped: PassReport['skipped'][number][] = [];
    const start = performance.now();
    const origin = passes.length === 1 ? pass.name : `${pass.name} (pass ${index + 1} of ${passes.length})`;
    const next = await pass.run(graph, {
      data,
      seed,
      signal,
      changed: (value, details) => changed.push({ value, ...details }),
      skipped: (value, reason) => skipped.push({ value, reason }),
      progress: (done, total) =>
        onProgress?.({ pass: pass.name, position: index + 1, passes: passes.length, done, total }),
    });
    verify(next, origin);
    checkSignature(graph, next, origin);
    graph = next;
    reports.push({
      name: pass.name,
      options: plain(pass.options),
      changed,
      skipped,
      milliseconds: performance.now() - start,
    });
  }
  return { graph, report: { seed, passes: reports } };
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

/** Options as JSON can hold them: regular expressions as text. */
function plain(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(options, (_, value: unknown) => (value instanceof RegExp ? String(value) : value)),
  ) as Record<string, unknown>;
}
