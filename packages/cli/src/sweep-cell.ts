import { join } from 'node:path';
import { compress, CqError, lower, weightBytes, type Graph, type Pass, type Report } from '@cq/core';
import { folderStore, writeFolder } from '@cq/core/node';
import { evaluate, f1Counter, topClass, type Evaluation, type F1 } from '@cq/eval';
import { useBackend } from './backend.ts';
import { compressedFiles } from './compressed-files.ts';
import { exampleTimes, type ExampleTimes } from './example-times.ts';
import type { Io } from './io.ts';
import { loadData } from './load-data.ts';
import { loadModel } from './load-model.ts';
import { loadRoles } from './load-roles.ts';
import { machine, type Machine } from './machine.ts';
import { modelFolder } from './model-folder.ts';
import { pathHash } from './path-hash.ts';
import { peakMemory } from './peak-memory.ts';
import { fingerprintsOf, located, passesOf, type Fingerprints, type SweepCell, type SweepJob } from './sweep-job.ts';
import { usedExamples, type Roles } from './used-examples.ts';
import { tokenizerOf } from './tokenizer-of.ts';

/** What a cell has shown. */
export interface CellResult extends Omit<Evaluation, 'milliseconds'>, F1 {
  readonly fingerprint: string;
  /** Names of the passes. */
  readonly passes: readonly string[];
  /** Of weights: those of the model as it came, and those of the compressed one. */
  readonly bytes: { readonly before: number; readonly after: number; readonly ratio: number };
  /** Values that no integer node computes; of a model as it came none is said to be left. */
  readonly left: number;
  /** Where the compressed model lies, from the folder of the sweep; absent for a model as it came. */
  readonly folder?: string;
  /** Of one inference: the same examples for every cell, one at a time, on the kernels that compressed models have. */
  readonly milliseconds: ExampleTimes;
  /** The most memory of the process of this cell. */
  readonly peakBytes: number;
  /** What the process took, without passes that were finished before. */
  readonly seconds: number;
  readonly machine: Machine;
}

export interface CellContext {
  /** That of the config: where its paths start. */
  readonly folder: string;
  readonly io: Io;
  readonly progress: (label: string, done: number, total: number) => void;
  /** Whether anybody still waits for the result. */
  readonly wanted: () => boolean;
}

/**
 * Computes a cell in this process and writes its model; a pass that another cell has finished is read.
 * @returns nothing where only passes are shared.
 * @throws CqError if the files are not those that the job was planned with.
 */
export async function runCell(job: SweepJob, context: CellContext): Promise<CellResult | undefined> {
  const start = performance.now();
  const { cell, sharedPasses } = job;
  const { folder, io, progress, wanted } = context;
  const passes = await passesOf(cell.recipe, folder);
  const model = await modelFolder(located(folder, cell.model.model), io, true);
  const fingerprints = await fingerprintsOf(cell, passes, folder, (path) => pathOrHubHash(path, io));
  requireSame(job, fingerprints);
  const graph = await loadModel(model);
  const at = (path: string | undefined): string | undefined => path && located(folder, path);
  const data = await loadRoles(graph, model, {
    ...{ calibration: at(cell.calibration), training: at(cell.training) },
    ...{ samples: cell.samples, seed: cell.seed },
  });
  await useBackend('wasm');
  const out = located(folder, job.out);
  const chain = { cell, passes: passes.slice(0, sharedPasses), prefixes: fingerprints.passes, data, out };
  const annotated = await runChain(graph, chain, context);
  if (sharedPasses !== undefined) return undefined;

  const made = passes.length === 0 ? asItCame(graph) : await lowered(graph, annotated, job, model, data, start);
  await nextTask();
  if (!wanted()) throw new CqError('sweep: nobody waits for this cell any more');
  if (made.folder !== undefined) writeFolder(join(out, made.folder), made.files);
  const dataset = await loadData(located(folder, cell.evaluation), graph, model);
  const f1 = f1Counter();
  const evaluation = await evaluate(made.graph, dataset, {
    ...(cell.reference && passes.length > 0 && { reference: graph }),
    ...(cell.limit !== undefined && { limit: cell.limit }),
    example: ({ label, logits }) => f1.add(label, topClass(logits)),
    progress: (done, total) => progress('evaluation', done, total),
    signal: io.signal,
  });
  return {
    fingerprint: job.fingerprint,
    passes: passes.map(({ name }) => name),
    ...{ bytes: made.bytes, left: made.left, ...(made.folder !== undefined && { folder: made.folder }) },
    ...evaluation,
    ...f1.result(),
    milliseconds: await exampleTimes(made.graph, dataset),
    peakBytes: peakMemory(),
    seconds: (performance.now() - start) / 1000,
    machine: machine(),
  };
}

/** A model of the hub counts by what is in its folder here. */
export async function pathOrHubHash(path: string, io: Io): Promise<string> {
  return pathHash(await modelFolder(path, io, true));
}

function requireSame({ fingerprint, cell, sharedPasses }: SweepJob, { passes, cell: own }: Fingerprints): void {
  const found = sharedPasses === undefined ? own : passes[sharedPasses - 1];
  if (found === fingerprint) return;
  throw new CqError(
    `sweep: ${cell.model.name} × ${cell.recipe.name} must be computed from the files, passes and version of @cq that it was planned with, ` +
      'got others here; bring both machines to the same, or start the sweep again',
  );
}

interface Chain {
  readonly cell: SweepCell;
  readonly passes: readonly Pass[];
  readonly prefixes: readonly string[];
  readonly data: Roles;
  readonly out: string;
}

/**
 * Runs one pass after the other, each in a store that is named after everything up to it, so that cells which begin with
 * the same passes find them there.
 */
async function runChain(
  graph: Graph,
  { cell: { seed }, passes, prefixes, data, out }: Chain,
  { io: { signal }, progress }: CellContext,
): Promise<{ readonly graph: Graph; readonly report: Report }> {
  const reports: Report['passes'][number][] = [];
  for (const [i, pass] of passes.entries()) {
    const store = folderStore(join(out, 'passes', prefixes[i]!));
    const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void =>
      progress(passes.length === 1 ? pass.name : `${pass.name} (${i + 1} of ${passes.length})`, done, total);
    const result = await compress(graph, [pass], { ...data, seed, signal, store, onProgress });
    graph = result.graph;
    reports.push(...result.report.passes);
  }
  return { graph, report: { seed, passes: reports } };
}

interface Made {
  readonly graph: Graph;
  readonly bytes: CellResult['bytes'];
  readonly left: number;
  readonly folder?: string;
  readonly files: ReadonlyMap<string, string | Uint8Array>;
}

function asItCame(graph: Graph): Made {
  const bytes = weightBytes(graph);
  return { graph, bytes: { before: bytes, after: bytes, ratio: 1 }, left: 0, files: new Map() };
}

async function lowered(
  graph: Graph,
  { graph: annotated, report }: { readonly graph: Graph; readonly report: Report },
  { cell, fingerprint }: SweepJob,
  model: string,
  data: Roles,
  start: number,
): Promise<Made> {
  const integer = lower(annotated);
  const samples = data.calibration?.size ?? 0;
  const { files, report: whole } = await compressedFiles({
    ...{ graph, lowered: integer, report, model: cell.model.model, recipe: cell.recipe.name, samples, start },
    examples: await usedExamples(data),
  });
  for (const [name, content] of tokenizerOf(model)) files.set(name, content);
  const word = (name: string): string => name.replace(/[^\w.-]+/g, '_');
  const folder = `models/${word(cell.model.name)}-${word(cell.recipe.name)}-${fingerprint.slice(0, 8)}`;
  return { graph: integer.graph, bytes: whole.bytes, left: integer.left.length, folder, files };
}

/** Lets the end of the parent arrive. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
