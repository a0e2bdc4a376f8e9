import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { compress, CqError, lower, type Dataset, type Graph, type Pass } from '@cq/core';
import type { Command } from 'commander';
import { useBackend } from './backend.ts';
import { passesFrom } from './config.ts';
import { chosenPasses } from './chosen-passes.ts';
import { commandOf } from './command-of.ts';
import type { CompressOptions } from './compress-options.ts';
import { compressedFiles } from './compressed-files.ts';
import type { CompressionReport } from './compression-report.ts';
import { compressionSummary } from './compression-summary.ts';
import { dryRun } from './dry-run.ts';
import { Interrupted } from './interrupted.ts';
import type { Io } from './io.ts';
import { judged } from './judged.ts';
import { loadModel } from './load-model.ts';
import { loadData } from './load-data.ts';
import { searchRecipe } from './search.ts';
import { splitCalibration } from './split-calibration.ts';
import { loadRoles } from './load-roles.ts';
import { modelFolder } from './model-folder.ts';
import { oneOf } from './one-of.ts';
import { checkOutFolder } from './out-folder.ts';
import { printJson, printLines, progressBar, type ProgressBar } from './output.ts';
import { guardEvaluation } from './overlap.ts';
import { recipes } from './recipes.ts';
import { required } from './required.ts';
import { tokenizerOf } from './tokenizer-of.ts';
import { UsageError } from './usage-error.ts';
import { usedExamples, type Roles } from './used-examples.ts';
import { wholeNumber } from './whole-number.ts';
import { openWorkFolder, type WorkFolder } from './work-folder.ts';

export function compressCommand(program: Command, io: Io): void {
  const widest = Math.max(...Object.keys(recipes).map(({ length }) => length));
  const known = Object.entries(recipes).map(([name, { summary }]) => `  ${name.padEnd(widest + 2)}${summary}`);
  program
    .command('compress')
    .summary('makes a model smaller and faster by a recipe')
    .description('Runs the passes of a recipe and writes a TensorFlow.js model, report.json and report.html.')
    .argument('<MODEL>', 'folder with model.json, a Hugging Face folder with config.json, or hf:owner/name')
    .option('--recipe <NAME>', 'a recipe by name (below)')
    .option(
      '--effort <HOW>',
      'how long a tp-vit recipe trains: quick, normal or long',
      oneOf('compress', '--effort', ['quick', 'normal', 'long']),
    )
    .option('--strict', 'few bits for patches and classifier too, not 8, in a tp-vit recipe')
    .option('--config <FILE>', 'or passes of your own: JSON { "passes": [{ "name", "options" }] }, or .mjs')
    .option('--max-drop <POINTS>', 'or search a recipe: percentage points of accuracy that may be lost (below)', points)
    .option(
      '--target <WHAT>',
      'what the search makes small: bytes or latency',
      oneOf('compress', '--target', ['bytes', 'latency']),
      'bytes',
    )
    .option('--calibration <DATA>', 'images or texts like those the model will see: a folder, or a CSV (text,label)')
    .option('--samples <N>', 'calibration examples to use', wholeNumber('compress', '--samples', 1), 128)
    .option('--training <DATA>', 'folder of labelled images, for recipes that train')
    .option(
      '--evaluation <DATA>',
      'labelled data to show in the report what the model is worth, and for recipes that choose by it',
    )
    .option('--allow-overlap', 'take evaluation data that share examples with the other data (below)')
    .option('--out <DIR>', 'folder to write to (required): new, empty, or one that this has written')
    .option('--seed <N>', 'chooses the examples and all else that is random', wholeNumber('compress', '--seed', 0), 1)
    .option('--dry-run', 'say what would happen, without data; without a recipe, which passes apply to the model')
    .option('--resume', 'go on where a run of the same command was interrupted, if one was (below)')
    .option('--json', 'print the report as one JSON document')
    .addHelpText(
      'after',
      `
Recipes:
${known.join('\n')}

Example:
  cq compress models/deit-tiny-patch16-224 --recipe int8 --calibration data/photos --out out/deit-int8
  cq compress models/deit-tiny-patch16-224 --max-drop 0.5 --target bytes --calibration data/photos --evaluation data/imagenet-val --out out/deit-mixed

A search gives each group of weights 3, 4 or 8 bits or leaves it float, those first that harm least for what they save.
Calibration examples beyond --samples decide, by the probabilities that the model as it came gives to both answers;
DIR/recipe.json is what it found, a --config; report.json has all that it looked at. Evaluation data are looked at once,
in the end: if they lose more, the model is written and the exit code is 1.

The same model, data, recipe and seed give the same bytes.

Evaluation data that share texts or images with calibration or training data are refused, with their number. Texts are
the same whatever their spaces, images if their files are. report.json says which examples were used (8 bytes each).

A run keeps each finished pass in DIR.partial until the model is in DIR. After Ctrl-C, a crash or a failure the same
command with --resume goes on from there, to the same bytes; other options, data or kernels are refused. Without
--resume a DIR.partial with finished passes is refused, never replaced: remove it to begin anew.`,
    )
    .action(async (model: string, given: Partial<Pick<CompressOptions, 'out'>> & Omit<CompressOptions, 'out'>) => {
      if (given.dryRun) {
        const { recipe, config, json = false } = given;
        const chosen = recipe === undefined && config === undefined ? undefined : await chosenPasses('compress', given);
        const graph = await loadModel(await modelFolder(model, io, json));
        await useBackend('wasm');
        await dryRun(model, graph, chosen, json, io);
        return;
      }
      const options = { ...given, out: required('compress', '--out DIR', given.out) };
      const report = await compressModel(model, options, io);
      if (options.json) printJson(io, report);
      else printLines(io, compressionSummary(io, options.out, report));
      requireGoal(report);
    });
}

/** Parses --max-drop. */
function points(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 100) return value;
  throw new UsageError(`compress: --max-drop must be percentage points from 0 to 100, got "${text}"`);
}

/** What was promised on held-back data, held against what evaluation data say. */
function requireGoal({ search, worth }: CompressionReport): void {
  if (!search || !worth?.accuracy) return;
  const lost = 100 * (worth.accuracy.before - worth.accuracy.after);
  if (lost <= search.maxDrop) return;
  throw new CqError(
    `compress: the model loses ${lost.toFixed(2)} points on the evaluation data, of which --max-drop allows ${search.maxDrop}; it is written all the same: search again with a smaller one, or with more calibration data`,
  );
}

async function compressModel(model: string, options: CompressOptions, io: Io): Promise<CompressionReport> {
  const start = performance.now();
  const given = options.maxDrop === undefined ? await chosenPasses('compress', options) : searched(options);
  requireData(given.passes, options);
  checkOutFolder(options.out, model);
  const work = openWorkFolder(options.out, options.resume === true);
  try {
    const folder = await modelFolder(model, io, options.json);
    const graph = await loadModel(folder);
    const split = await roles(graph, folder, options);
    const { data } = split;
    if (!options.allowOverlap) await guardEvaluation('compress', data);
    await useBackend('wasm');
    const found = split.heldBack && (await search(graph, { ...split, heldBack: split.heldBack }, options, io));
    const { name, passes } = found ? { name: RECIPE, passes: passesFrom(RECIPE, found.config) } : given;

    const { graph: annotated, report } = await runPasses(graph, passes, data, work, options, io);
    const lowered = lower(annotated);
    const samples = data.calibration?.size ?? 0;
    const shown = await withBar(options, io, (progress) =>
      judged({ graph, annotated, lowered }, data, { seed: options.seed, signal: io.signal, progress }),
    );
    const { files, report: whole } = await compressedFiles({
      ...{ graph, lowered, report, model, recipe: name, command: commandOf(model, options), samples, start },
      ...{ ...shown, ...(found && { search: found.search }) },
      examples: await usedExamples(data),
    });
    if (found) files.set(RECIPE, `${JSON.stringify(found.config, undefined, 2)}\n`);
    for (const [name, content] of tokenizerOf(folder)) files.set(name, content);
    await nextTask(); // The last moment for Ctrl-C: what follows is all or nothing.
    io.signal.throwIfAborted();
    work.finish(files);
    return whole;
  } catch (error) {
    work.leave();
    if (io.signal.aborted) throw interrupted(work);
    throw error;
  }
}

/** What a search has found, as a config file in the folder of the model. */
const RECIPE = 'recipe.json';

function searched({ recipe, config, effort, strict, calibration, evaluation }: CompressOptions) {
  const [other] = Object.entries({ recipe, config, effort, strict }).find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined)
    throw new UsageError(`compress: --max-drop searches a recipe, got --${other} too; give one of them`);
  for (const [role, path] of Object.entries({ calibration, evaluation })) {
    if (path === undefined) throw new UsageError(`compress: --max-drop needs ${role} data; add --${role} DATA`);
  }
  return { name: RECIPE, passes: [] };
}

/** The data of each role; for a search, calibration data fall into two parts. */
async function roles(
  graph: Graph,
  folder: string,
  options: CompressOptions,
): Promise<{ readonly data: Roles; readonly heldBack?: Dataset }> {
  if (options.maxDrop === undefined) return { data: await loadRoles(graph, folder, options) };
  const { used, heldBack } = splitCalibration(await loadData(options.calibration!, graph, folder), options);
  return { data: { ...(await loadRoles(graph, folder, options)), calibration: used }, heldBack };
}

async function search(
  graph: Graph,
  { data, heldBack }: { readonly data: Roles; readonly heldBack: Dataset },
  { maxDrop, target, seed, json }: CompressOptions,
  io: Io,
): ReturnType<typeof searchRecipe> {
  const bar = progressBar(io, 'search', json === true);
  try {
    return await searchRecipe(graph, {
      ...{ maxDrop: maxDrop!, target, calibration: data.calibration!, heldBack, seed, signal: io.signal },
      progress: (label, done, total) => bar.update(done, total, `search: ${label}`),
    });
  } finally {
    bar.stop();
  }
}

function interrupted({ path, holdsWork }: WorkFolder): Interrupted {
  return new Interrupted(
    holdsWork()
      ? `compress: interrupted; what is finished lies in ${path}: the same command with --resume goes on from there`
      : 'compress: interrupted; nothing was written, as no pass was finished: the same command begins anew, with --resume or without',
  );
}

/** Before the model is loaded: a missing option is found at once. */
function requireData(passes: readonly Pass[], options: CompressOptions): void {
  for (const { name, needs } of passes) {
    for (const role of needs) {
      if (options[role] === undefined) throw new UsageError(`compress: ${name} needs ${role} data; add --${role} DATA`);
    }
  }
}

async function runPasses(
  graph: Graph,
  passes: readonly Pass[],
  data: Roles,
  { store }: WorkFolder,
  options: CompressOptions,
  io: Io,
): ReturnType<typeof compress> {
  const newBar = (): ProgressBar => progressBar(io, 'compress', options.json === true);
  let [bar, shown] = [newBar(), 1];
  try {
    return await compress(graph, passes, {
      ...data,
      ...{ seed: options.seed, signal: io.signal, store, fingerprint: configHash(options) },
      onProgress({ pass, position, passes: of, done, total }) {
        if (position !== shown) {
          bar.stop(); // The time that is left is that of a pass.
          [bar, shown] = [newBar(), position];
        }
        bar.update(done, total, of === 1 ? pass : `${pass} (${position} of ${of})`);
      },
    });
  } finally {
    bar.stop();
  }
}

async function withBar<T>(
  { json }: CompressOptions,
  io: Io,
  work: (progress: ProgressBar['update']) => Promise<T>,
): Promise<T> {
  const bar = progressBar(io, 'evaluation', json === true);
  try {
    return await work(bar.update);
  } finally {
    bar.stop();
  }
}

/** A module may have code in it that its passes' names and options do not tell. */
function configHash({ config }: CompressOptions): { readonly [what: string]: string } {
  if (config === undefined || extname(config) !== '.mjs') return {};
  return { 'config contents': createHash('sha256').update(readFileSync(config)).digest('hex').slice(0, 16) };
}

/** Lets signals arrive: the kernels and `lower` block the event loop. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
