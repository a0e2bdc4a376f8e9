import { basename, dirname, extname, join, resolve } from 'node:path';
import { CqError } from '@cq/core';
import type { Command } from 'commander';
import { Interrupted } from './interrupted.ts';
import type { Io } from './io.ts';
import { loadModel } from './load-model.ts';
import { loadRoles } from './load-roles.ts';
import { machine, type Machine } from './machine.ts';
import { modelFolder } from './model-folder.ts';
import {
  colors,
  count,
  duration,
  percent,
  printJson,
  printLines,
  progressBar,
  readableBytes,
  table,
} from './output.ts';
import { guardEvaluation } from './overlap.ts';
import { readSweepConfig, type SweepConfig } from './sweep-config.ts';
import { openSweepFolder, type SweepFolder } from './sweep-folder.ts';
import { sweepHtml } from './sweep-html.ts';
import { located, type SweepJob } from './sweep-job.ts';
import { localRunner } from './sweep-local.ts';
import { planCells, withSharedPasses, type PlannedCell, type Task } from './sweep-plan.ts';
import { redisRunner } from './sweep-redis.ts';
import { rowsCsv, type SweepRow } from './sweep-rows.ts';
import type { Runner } from './sweep-runner.ts';
import { version } from './version.ts';

/** What `sweep` prints with --json and writes as sweep.json. */
export interface Sweep {
  readonly config: string;
  readonly version: string;
  /** Models in the order of the config; of one, recipes in theirs; of both, seeds. */
  readonly rows: readonly SweepRow[];
  readonly failures: readonly Failure[];
  /** ISO 8601. */
  readonly date: string;
  /** Where the sweep was started; each row has the one that computed it. */
  readonly machine: Machine;
}

/** A cell of a sweep that could not be computed, and why. */
export interface Failure {
  readonly model: string;
  readonly recipe: string;
  readonly seed: number;
  readonly message: string;
}

interface SweepOptions {
  readonly out?: string;
  readonly resume?: boolean;
  readonly redis?: string;
  readonly queue: string;
  readonly allowOverlap?: boolean;
  readonly json?: boolean;
}

/** Of the queue, unless several sweeps with different folders have one Redis server. */
export const defaultQueue = 'cq-sweep';

export function sweepCommand(program: Command, io: Io): void {
  program
    .command('sweep')
    .summary('every model with every recipe: a table and a Pareto plot')
    .description(
      'Compresses models by recipes as a config file says, evaluates each, and writes sweep.json, sweep.csv, sweep.html ' +
        'and the models. Passes that begin several recipes are run once.',
    )
    .argument('<CONFIG>', 'JSON file (below); its paths start from the folder that it lies in')
    .option('--out <DIR>', 'folder to write to (default: CONFIG with .sweep in place of .json)')
    .option('--resume', 'keep the cells that are finished in DIR, compute the others')
    .option('--redis <URL>', 'let workers compute the cells, here or elsewhere: see cq worker --help')
    .option('--queue <NAME>', 'the queue in Redis', defaultQueue)
    .option('--allow-overlap', 'evaluate on examples, too, that models are calibrated or trained with')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Example:
  cq sweep study.json

  { "models": ["models/deit-tiny-patch16-224", { "name": "mine", "model": "out/mine" }],
    "recipes": ["none", "int8", "mine.mjs",
                { "name": "w4a8", "passes": [{ "name": "quantize-uniform", "options": { "weights": 4 } }] }],
    "calibration": "data/photos", "samples": 128, "evaluation": "data/imagenet-val", "limit": 500, "seeds": [1] }

A module may hold several recipes: { "name": "mine", "config": "all.mjs", "export": "mine" }. "none" is the model as it
came. Further fields: "training", and "reference": false, which leaves out the comparison with the model as it came.

After Ctrl-C, a crash or a kill the same command with --resume computes only what is missing.`,
    )
    .action(async (file: string, options: SweepOptions) => {
      const { out = defaultOut(file) } = options;
      const sweep = await runSweep(file, out, options, io);
      if (options.json) printJson(io, sweep);
      else printLines(io, describe(io, out, sweep));
      const [first] = sweep.failures;
      if (!first) return;
      throw new CqError(
        `sweep: ${count(sweep.failures.length)} of ${count(sweep.rows.length + sweep.failures.length)} cells failed, the first ${first.model} × ${first.recipe}: ${first.message}`,
      );
    });
}

const defaultOut = (file: string): string => join(dirname(file), `${basename(file, extname(file))}.sweep`);

async function runSweep(file: string, out: string, options: SweepOptions, io: Io): Promise<Sweep> {
  const config = await readSweepConfig(file);
  const folder = dirname(resolve(file));
  const results = openSweepFolder(out, options.resume === true);
  const cells = await planCells(config, folder, out, io);
  if (!options.allowOverlap) await guardData(config, folder, io);
  const { redis: url, queue: name, json = false } = options;
  const runner =
    url === undefined ? localRunner(folder, io.signal) : await redisRunner({ url, name }, options.resume === true);
  try {
    const failed = await runCells(cells, { results, runner, io, json, shared: url !== undefined });
    const sweep = summary(file, cells, results, failed);
    results.write('sweep.json', `${JSON.stringify(sweep, undefined, 2)}\n`);
    results.write('sweep.csv', rowsCsv(sweep.rows));
    results.write('sweep.html', await sweepHtml(sweep));
    return sweep;
  } finally {
    await runner.close();
  }
}

/** Of all models at once, as the contents of data do not depend on them. */
async function guardData(config: SweepConfig, folder: string, io: Io): Promise<void> {
  const at = (path: string | undefined): string | undefined => path && located(folder, path);
  const model = await modelFolder(located(folder, config.models[0]!.model), io, true);
  const graph = await loadModel(model);
  for (const seed of config.seeds) {
    const paths = {
      calibration: at(config.calibration),
      training: at(config.training),
      evaluation: at(config.evaluation),
    };
    const roles = await loadRoles(graph, model, { ...paths, samples: config.samples, seed });
    await guardEvaluation('sweep', roles, config.limit);
  }
}

interface Run {
  readonly results: SweepFolder;
  readonly runner: Runner;
  readonly io: Io;
  readonly json: boolean;
  /** Whether passes that several cells begin with are jobs of their own. */
  readonly shared: boolean;
}

/** Computes what is missing. Resolves to why cells failed, by fingerprint. */
async function runCells(
  cells: readonly PlannedCell[],
  { results, runner, io, json, shared }: Run,
): Promise<ReadonlyMap<string, string>> {
  const missing = cells.filter(({ job }) => !results.result(job.fingerprint));
  const tasks = shared ? withSharedPasses(missing) : missing.map(({ job }): Task => ({ job }));
  let done = cells.length - missing.length;
  const bar = progressBar(io, 'sweep', json);
  const show = (label: string): void => bar.update(done, cells.length, label);
  const ended = new Map<string, Promise<unknown>>();
  const run = async ({ job, after }: Task): Promise<void> => {
    if (after !== undefined) await ended.get(after);
    const result = await runner.run(job, (step, at, of) => show(`${nameOf(job)}: ${step} ${at}/${of}`));
    if (!result) return;
    results.finish(result);
    done++;
    show(nameOf(job));
  };
  try {
    show(shared ? 'cells at workers' : 'cells');
    for (const task of tasks) ended.set(task.job.fingerprint, run(task));
    const aborted = new Promise<void>((resolve) =>
      io.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    await Promise.race([Promise.allSettled(ended.values()), aborted]);
    if (io.signal.aborted) throw interrupted(results, done, cells.length, shared);
    return await reasons(ended);
  } finally {
    bar.stop();
  }
}

const nameOf = ({ cell }: SweepJob): string => `${cell.model.name} × ${cell.recipe.name}`;

function interrupted({ path }: SweepFolder, done: number, total: number, shared: boolean): Interrupted {
  const rest = shared ? '; workers go on with what is in the queue' : '';
  return new Interrupted(
    `sweep: interrupted; ${count(done)} of ${count(total)} cells are finished in ${path}${rest}: the same command with --resume goes on from there`,
  );
}

async function reasons(ended: ReadonlyMap<string, Promise<unknown>>): Promise<ReadonlyMap<string, string>> {
  const failed = new Map<string, string>();
  for (const [fingerprint, end] of ended) {
    await end.catch((error: Error) => failed.set(fingerprint, error.message));
  }
  return failed;
}

function summary(
  config: string,
  cells: readonly PlannedCell[],
  results: SweepFolder,
  failed: ReadonlyMap<string, string>,
): Sweep {
  const rows: SweepRow[] = [];
  const failures: Failure[] = [];
  for (const { job } of cells) {
    const cell = { model: job.cell.model.name, recipe: job.cell.recipe.name, seed: job.cell.seed };
    const result = results.result(job.fingerprint);
    if (result) rows.push({ ...cell, ...result });
    else failures.push({ ...cell, message: failed.get(job.fingerprint) ?? 'no result' });
  }
  return { config, version, rows, failures, date: new Date().toISOString(), machine: machine() };
}

function describe(io: Io, out: string, { rows, failures }: Sweep): string[] {
  const { dim, red } = colors(io);
  const seeds = new Set(rows.map(({ seed }) => seed)).size > 1;
  return [
    table(
      io,
      ['model', 'recipe', ...(seeds ? ['seed'] : []), rows[0]?.metric ?? 'metric', 'macro-F1', 'weighted-F1', 'agreement', 'bytes', 'smaller', 'latency', 'p95'], // prettier-ignore
      rows.map(({ model, recipe, seed, value, macroF1, weightedF1, agreement, bytes, milliseconds }) => [
        ...[model, recipe, ...(seeds ? [String(seed)] : [])],
        percent(value),
        percent(macroF1),
        percent(weightedF1),
        agreement === undefined ? '' : percent(agreement),
        readableBytes(bytes.after),
        `${(1 / bytes.ratio).toFixed(2)}×`,
        duration(milliseconds.median),
        duration(milliseconds.p95),
      ]),
    ),
    ...failures.map(({ model, recipe, message }) => `  ${red('failed')}  ${model} × ${recipe}: ${message}`),
    '',
    dim(`  ${out}: sweep.html with the Pareto plots, sweep.csv, sweep.json, models/`),
  ];
}
