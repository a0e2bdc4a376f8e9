import { compress, type Graph, type Pass } from '@cq/core';
import { sensitivity, type Loss, type Sensitivity } from '@cq/eval';
import type { Command } from 'commander';
import { useBackend } from './backend.ts';
import { chosenPasses } from './chosen-passes.ts';
import type { Io } from './io.ts';
import { openJournal } from './journal.ts';
import { loadData } from './load-data.ts';
import { loadModel } from './load-model.ts';
import { loadRoles } from './load-roles.ts';
import { modelFolder } from './model-folder.ts';
import { colors, count, percent, printJson, printLines, progressBar, table } from './output.ts';
import { guardEvaluation } from './overlap.ts';
import { required } from './required.ts';
import { sensitivityHtml } from './sensitivity-html.ts';
import { UsageError } from './usage-error.ts';
import type { Roles } from './used-examples.ts';
import { wholeNumber } from './whole-number.ts';
import { writePage } from './write-page.ts';

interface SensitivityOptions {
  readonly recipe?: string;
  readonly config?: string;
  readonly calibration?: string;
  readonly samples: number;
  readonly data?: string;
  readonly limit: number;
  readonly screen: number;
  readonly worst: number;
  readonly allowOverlap?: boolean;
  readonly seed: number;
  readonly journal?: string;
  readonly report?: string;
  readonly json?: boolean;
}

export interface SensitivityReport extends Sensitivity {
  readonly model: string;
  readonly recipe: string;
  readonly seed: number;
}

export function sensitivityCommand(program: Command, io: Io): void {
  const whole = (option: string, least: number) => wholeNumber('sensitivity', option, least);
  program
    .command('sensitivity')
    .summary('which quantized value costs what')
    .description(
      'Quantizes each value alone, and for the worst ones also all values but that, and ranks them by how far the outputs\n' +
        'are then from those of the float model.',
    )
    .argument('<MODEL>', 'folder with model.json, a Hugging Face folder with config.json, or hf:owner/name')
    .option('--recipe <NAME>', 'the recipe that quantizes: see cq compress --help')
    .option('--config <FILE>', 'or passes of your own, as for cq compress')
    .option('--calibration <DATA>', 'images or texts that the recipe calibrates with')
    .option('--samples <N>', 'calibration examples to use', whole('--samples', 1), 128)
    .option('--data <DATA>', 'required: images or texts to measure on, other ones; labels are not needed')
    .option('--limit <N>', 'only the first N examples', whole('--limit', 1), 100)
    .option('--screen <N>', 'examples on which every value is measured first', whole('--screen', 1), 4)
    .option('--worst <N>', 'values that are then measured on all examples', whole('--worst', 1), 24)
    .option('--allow-overlap', 'take data that share examples with the calibration data')
    .option('--seed <N>', 'chooses the calibration examples and all else that is random', whole('--seed', 0), 1)
    .option('--journal <FILE>', 'write each finding here at once, and measure nothing again that is there')
    .option('--report <FILE>', 'write a page of it: each value and block, in pictures and a table')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  cq sensitivity models/deit-tiny-patch16-224 --recipe int8 --calibration data/photos --data data/imagenet-val',
    )
    .action(async (model: string, options: SensitivityOptions) => {
      const report = await measure(model, options, io);
      if (options.report !== undefined) writePage(options.report, await sensitivityHtml(report));
      if (options.json) printJson(io, report);
      else printLines(io, describe(io, report));
    });
}

async function measure(model: string, options: SensitivityOptions, io: Io): Promise<SensitivityReport> {
  const { limit, screen, worst, seed, json = false } = options;
  const path = required('sensitivity', '--data DATA', options.data);
  const { name: recipe, passes } = await chosenPasses('sensitivity', options);
  requireCalibration(passes, options);
  const folder = await modelFolder(model, io, json);
  const graph = await loadModel(folder);
  const roles = await loadRoles(graph, folder, { ...options, evaluation: path });
  if (!options.allowOverlap) await guardEvaluation('sensitivity', roles);
  await useBackend('wasm');
  const quantized = await quantize(graph, passes, roles, options, io);
  const data = await loadData(path, graph, folder);
  const journal = openJournal(options.journal, quantized, { data: path, limit, size: data.size });
  const bar = progressBar(io, 'sensitivity', json);
  try {
    const found = await sensitivity(quantized, data, {
      ...{ limit, screen, worst, known: journal.known, found: journal.add, signal: io.signal },
      progress: (done, total) => bar.update(done, total),
    });
    return { model, recipe, seed, ...found };
  } finally {
    bar.stop();
  }
}

function requireCalibration(passes: readonly Pass[], { calibration }: SensitivityOptions): void {
  const asking = passes.find(({ needs }) => needs.includes('calibration'));
  if (!asking || calibration !== undefined) return;
  throw new UsageError(`sensitivity: ${asking.name} needs calibration data; add --calibration DATA`);
}

async function quantize(
  graph: Graph,
  passes: readonly Pass[],
  { calibration }: Roles,
  { seed, json = false }: SensitivityOptions,
  io: Io,
): Promise<Graph> {
  const bar = progressBar(io, 'calibration', json);
  try {
    const { graph: quantized } = await compress(graph, passes, {
      ...(calibration && { calibration }),
      ...{ seed, signal: io.signal },
      onProgress: ({ done, total }) => bar.update(done, total),
    });
    return quantized;
  } finally {
    bar.stop();
  }
}

/** Rows that a terminal shows; --json has all. */
const SHOWN = 20;

function describe(
  io: Io,
  { model, recipe, examples, accuracy, quantized, values, blocks }: SensitivityReport,
): string[] {
  const { bold, dim } = colors(io);
  const labelled = accuracy !== undefined;
  const right = ({ accuracy: share }: Loss): string[] => (labelled ? [percent(share!)] : []);
  return [
    `${bold(model)}  ${recipe}, ${count(examples)} examples`,
    `  everything quantized: KL ${nats(quantized.kl)}, ${percent(quantized.agreement)} agree${
      labelled ? `, ${percent(quantized.accuracy!)} right (float ${percent(accuracy)})` : ''
    }`,
    '',
    table(
      io,
      ['value alone', 'bits', 'SQNR dB', 'KL', 'agree', ...(labelled ? ['right'] : []), 'examples', 'KL of all but it'],
      values
        .slice(0, SHOWN)
        .map(({ value, bits, sqnr, alone, without }) => [
          ...[value, String(bits), sqnr.toFixed(1), nats(alone.kl), percent(alone.agreement), ...right(alone)],
          ...[String(alone.examples), without ? nats(without.kl) : ''],
        ]),
    ),
    ...(values.length > SHOWN ? [dim(`  … and ${count(values.length - SHOWN)} more with --json`)] : []),
    ...(blocks.length === 0
      ? []
      : [
          '',
          table(
            io,
            ['block alone', 'begins at', 'KL', 'agree', ...(labelled ? ['right'] : [])],
            blocks.map(({ block, input, alone }) => [
              ...[String(block), input, nats(alone.kl), percent(alone.agreement)],
              ...right(alone),
            ]),
          ),
        ]),
  ];
}

const nats = (kl: number): string => kl.toFixed(6);
