import type { Dataset, Graph } from '@cq/core';
import { evaluate, type Evaluation } from '@cq/eval';
import type { Command } from 'commander';
import { backendNames, useBackend, type BackendName } from './backend.ts';
import { evalHtml } from './eval-html.ts';
import type { Io } from './io.ts';
import { loadData } from './load-data.ts';
import { loadModel } from './load-model.ts';
import { modelFolder } from './model-folder.ts';
import { oneOf } from './one-of.ts';
import { colors, duration, percent, printJson, printLines, progressBar } from './output.ts';
import { overlap, refuseOverlap } from './overlap.ts';
import { required } from './required.ts';
import { seenExamples } from './seen-examples.ts';
import { UsageError } from './usage-error.ts';
import { readUsedExamples } from './used-examples.ts';
import { wholeNumber } from './whole-number.ts';
import { writePage } from './write-page.ts';

interface EvalOptions {
  readonly data?: string;
  readonly reference?: string;
  readonly limit?: number;
  readonly backend: BackendName;
  readonly threads: number;
  readonly allowOverlap?: boolean;
  readonly report?: string;
  readonly json?: boolean;
}

/** Of DATA, how many examples made the model; null where nothing tells, absent where the model was not compressed. */
type GuardedEvaluation = Evaluation & { readonly shared?: number | null };

export function evalCommand(program: Command, io: Io): void {
  program
    .command('eval')
    .summary('how good a model is on labelled data')
    .description(
      'Measures the metrics of the model’s task. Against a reference also how often both have the same top class, and\n' +
        'the mean KL divergence of their outputs, which a few hundred examples tell far better than accuracy.',
    )
    .argument('<MODEL>', 'folder with model.json, a Hugging Face folder with config.json, or hf:owner/name')
    .option(
      '--data <DATA>',
      'required: a folder of images with labels.csv (file,label) or one sub-folder per class, or a CSV (text,label)',
    )
    .option('--reference <MODEL>', 'compare the outputs with those of this model')
    .option('--limit <N>', 'only the first N examples', wholeNumber('eval', '--limit', 1))
    .option(
      '--backend <NAME>',
      'wasm, or cpu for the reference kernels',
      oneOf('eval', '--backend', backendNames),
      'wasm',
    )
    .option('--allow-overlap', 'evaluate on examples, too, that the model was calibrated or trained with')
    .option('--threads <N>', 'threads of a compressed model on wasm', wholeNumber('eval', '--threads', 1), 1)
    .option('--report <FILE>', 'write a page of it: who is taken for whom, and the worst examples')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  cq eval out/deit-int8 --data data/imagenet-val --reference models/deit-tiny-patch16-224\n\n' +
        'Data that share examples with those that the model was compressed with are refused, with their number: its\n' +
        'report.json says which those were.',
    )
    .action(async (model: string, options: EvalOptions) => {
      const evaluation = await evaluateModel(model, options, io);
      if (options.json) printJson(io, evaluation);
      else printLines(io, describe(io, model, evaluation));
    });
}

async function evaluateModel(model: string, options: EvalOptions, io: Io): Promise<GuardedEvaluation> {
  const { reference, limit, backend, threads, report, json = false } = options;
  if (backend === 'cpu' && threads > 1) {
    throw new UsageError(`eval: --threads must be 1 with --backend cpu, got ${threads}`);
  }
  const data = required('eval', '--data DATA', options.data);
  const folder = await modelFolder(model, io, json);
  const graph = await loadModel(folder);
  const dataset = await loadData(data, graph, folder);
  const shared = await sharedWithModel(model, folder, graph, dataset, options);
  const referenceGraph = reference && (await loadModel(await modelFolder(reference, io, json)));
  await useBackend(backend, threads);
  const bar = progressBar(io, model, json);
  const seen = report === undefined ? undefined : seenExamples(graph);
  try {
    const evaluation = await evaluate(graph, dataset, {
      ...(referenceGraph && { reference: referenceGraph }),
      ...(limit !== undefined && { limit }),
      ...(seen && { example: seen.add }),
      progress: bar.update,
      signal: io.signal,
    });
    if (seen) {
      const told = { model, evaluation, seen, data: dataset, ...(reference !== undefined && { reference }) };
      writePage(report!, await evalHtml(told));
    }
    return { ...evaluation, ...(shared !== undefined && { shared }) };
  } finally {
    bar.stop();
  }
}

async function sharedWithModel(
  model: string,
  folder: string,
  graph: Graph,
  dataset: Dataset,
  { data, limit, allowOverlap }: EvalOptions,
): Promise<number | null | undefined> {
  if (!graph.metadata.compression) return undefined;
  const used = readUsedExamples(folder);
  if (!used) return null;
  const digests = new Set([...used.values()].flatMap((ofRole) => [...ofRole]));
  const found = await overlap(dataset, digests, limit);
  if (!found) return null;
  const roles = [...used.keys()].join(' and ');
  if (!allowOverlap) refuseOverlap('eval', data!, found, `the ${roles} data of ${model}`);
  return found.shared;
}

function describe(io: Io, model: string, evaluation: GuardedEvaluation): string[] {
  const { bold, dim } = colors(io);
  const { value, correct, count, top5, agreement, kl, shared, logitsSha256 } = evaluation;
  const facts: (readonly [string, string])[] = [
    ['top-1', `${bold(percent(value))}  ${correct} of ${count}`],
    ['top-5', percent(top5)],
    ...(agreement === undefined
      ? []
      : [['agreement', `${percent(agreement)}  same top class as the reference`] as const]),
    ...(kl === undefined ? [] : [['KL', `${kl.toPrecision(3)}  nats from the reference, mean`] as const]),
    ...(shared === undefined
      ? []
      : [
          [
            'overlap',
            shared === null
              ? 'unknown: no report.json says which examples the model was made with'
              : shared === 0
                ? 'none: the model was made with other examples'
                : `${shared} of these examples were used to make the model: the figures flatter it`,
          ] as const,
        ]),
    ['execution', `${duration(evaluation.milliseconds)}  median per example`],
    ['logits', dim(`sha256 ${logitsSha256}`)],
  ];
  return [bold(model), ...facts.map(([title, text]) => `  ${title.padEnd(12)}${text}`)];
}
