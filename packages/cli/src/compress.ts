import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { compress, lower, type Graph, type Pass } from '@cq/core';
import type { Command } from 'commander';
import { useBackend } from './backend.ts';
import { chosenPasses } from './chosen-passes.ts';
import { compressedFiles } from './compressed-files.ts';
import type { CompressionReport } from './compression-report.ts';
import { Interrupted } from './interrupted.ts';
import type { Io } from './io.ts';
import { loadModel } from './load-model.ts';
import { loadRoles } from './load-roles.ts';
import { modelFolder } from './model-folder.ts';
import { oneOf } from './one-of.ts';
import { checkOutFolder } from './out-folder.ts';
import {
  colors,
  count,
  readableBytes,
  duration,
  printJson,
  printLines,
  progressBar,
  table,
  type ProgressBar,
} from './output.ts';
import { guardEvaluation } from './overlap.ts';
import { recipes, type RecipeOptions } from './recipes.ts';
import { required } from './required.ts';
import { tokenizerOf } from './tokenizer-of.ts';
import { UsageError } from './usage-error.ts';
import { usedExamples, type Roles } from './used-examples.ts';
import { wholeNumber } from './whole-number.ts';
import { openWorkFolder, type WorkFolder } from './work-folder.ts';

interface CompressOptions {
  readonly recipe?: string;
  readonly effort?: RecipeOptions['effort'];
  readonly strict?: boolean;
  readonly config?: string;
  readonly calibration?: string;
  readonly samples: number;
  readonly training?: string;
  readonly evaluation?: string;
  readonly allowOverlap?: boolean;
  readonly out: string;
  readonly seed: number;
  readonly resume?: boolean;
  readonly json?: boolean;
}

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
    .option('--calibration <DATA>', 'images or texts like those the model will see: a folder, or a CSV (text,label)')
    .option('--samples <N>', 'calibration examples to use', wholeNumber('compress', '--samples', 1), 128)
    .option('--training <DATA>', 'folder of labelled images, for recipes that train')
    .option('--evaluation <DATA>', 'labelled data, for recipes that choose by what a model is worth on them')
    .option('--allow-overlap', 'take evaluation data that share examples with the other data (below)')
    .option('--out <DIR>', 'folder to write to (required): new, empty, or one that this has written')
    .option('--seed <N>', 'chooses the examples and all else that is random', wholeNumber('compress', '--seed', 0), 1)
    .option('--resume', 'go on where a run of the same command was interrupted, if one was (below)')
    .option('--json', 'print the report as one JSON document')
    .addHelpText(
      'after',
      `
Recipes:
${known.join('\n')}

Example:
  cq compress models/deit-tiny-patch16-224 --recipe int8 --calibration data/photos --out out/deit-int8

The same model, data, recipe and seed give the same bytes.

Evaluation data that share texts or images with calibration or training data are refused, with their number. Texts are
the same whatever their spaces, images if their files are. report.json says which examples were used (8 bytes each).

A run keeps each finished pass in DIR.partial until the model is in DIR. After Ctrl-C, a crash or a failure the same
command with --resume goes on from there, to the same bytes; other options, data or kernels are refused. Without
--resume a DIR.partial with finished passes is refused, never replaced: remove it to begin anew.`,
    )
    .action(async (model: string, given: Partial<Pick<CompressOptions, 'out'>> & Omit<CompressOptions, 'out'>) => {
      const options = { ...given, out: required('compress', '--out DIR', given.out) };
      const report = await compressModel(model, options, io);
      if (options.json) printJson(io, report);
      else printLines(io, describe(io, options.out, report));
    });
}

async function compressModel(model: string, options: CompressOptions, io: Io): Promise<CompressionReport> {
  const start = performance.now();
  const { name, passes } = await chosenPasses('compress', options);
  requireData(passes, options);
  checkOutFolder(options.out, model);
  const work = openWorkFolder(options.out, options.resume === true);
  try {
    const folder = await modelFolder(model, io, options.json);
    const graph = await loadModel(folder);
    const data = await loadRoles(graph, folder, options);
    if (!options.allowOverlap) await guardEvaluation('compress', data);
    await useBackend('wasm');

    const { graph: annotated, report } = await runPasses(graph, passes, data, work, options, io);
    const lowered = lower(annotated);
    const samples = data.calibration?.size ?? 0;
    const { files, report: whole } = compressedFiles({
      ...{ graph, lowered, report, model, recipe: name, samples, start },
      examples: await usedExamples(data),
    });
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

/** A module may have code in it that its passes' names and options do not tell. */
function configHash({ config }: CompressOptions): { readonly [what: string]: string } {
  if (config === undefined || extname(config) !== '.mjs') return {};
  return { 'config contents': createHash('sha256').update(readFileSync(config)).digest('hex').slice(0, 16) };
}

/** Rows of what stayed in float that a terminal shows; the report has all. */
const SHOWN = 12;

function describe(io: Io, out: string, { model, recipe, bytes, passes, left, ...report }: CompressionReport): string[] {
  const { bold, dim } = colors(io);
  const more = left.length - SHOWN;
  return [
    `${bold(model)}  ${recipe}`,
    `  ${readableBytes(bytes.before)} → ${bold(readableBytes(bytes.after))}  ${bytes.ratio.toFixed(3)} of the bytes, ${(bytes.before / bytes.after).toFixed(2)}× smaller`,
    '',
    table(
      io,
      ['pass', 'changed', 'skipped', 'time'],
      passes.map((pass) => [
        pass.name,
        count(pass.changed.length),
        count(pass.skipped.length),
        duration(pass.milliseconds),
      ]),
    ),
    '',
    `  ${count(left.length)} ${left.length === 1 ? 'value' : 'values'} left in float`,
    ...(left.length > 0
      ? [
          table(
            io,
            ['value', 'reason'],
            left.slice(0, SHOWN).map(({ value, reason }) => [value, reason]),
          ),
        ]
      : []),
    ...(more > 0 ? [dim(`  … and ${count(more)} more in ${out}/report.json`)] : []),
    '',
    `  ${out}  written in ${(report.milliseconds / 1000).toFixed(1)} s: model.json, weights, report.json, report.html`,
    dim(`  next: cq eval ${out} --data DATA --reference ${model}`),
  ];
}

/** Lets signals arrive: the kernels and `lower` block the event loop. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
