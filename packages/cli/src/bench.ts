import { spread, type Spread } from '@cq/eval';
import type { Command } from 'commander';
import type { Runtime } from './bench-model.ts';
import { startContestant, type Contestant } from './bench-process.ts';
import type { Io } from './io.ts';
import { machine, type Machine } from './machine.ts';
import {
  colors,
  readableBytes,
  duration,
  printJson,
  printLines,
  progressBar,
  table,
  type ProgressBar,
} from './output.ts';
import { modelFolder } from './model-folder.ts';
import { UsageError } from './usage-error.ts';
import { wholeNumber } from './whole-number.ts';

export interface BenchRow {
  readonly name: string;
  readonly runtime: Runtime;
  /** Of one inference. */
  readonly milliseconds: Spread;
  /** Its median by that of the first row: below 1 is faster. */
  readonly ratio: number;
  /** The most memory its process had, loading included. */
  readonly peakBytes: number;
  /** How often each kernel ran in one inference. */
  readonly kernels: Readonly<Record<string, number>>;
}

export interface Benchmark {
  readonly machine: Machine;
  readonly rows: readonly BenchRow[];
}

interface BenchOptions {
  readonly against: string;
  readonly threads: number;
  readonly rounds: number;
  readonly seed: number;
  readonly json?: boolean;
}

export function benchCommand(program: Command, io: Io): void {
  program
    .command('bench')
    .summary('how fast models are, side by side')
    .description(
      'Times models on random input, each in a process of its own, in turns, so that whatever else the machine does\n' +
        'meets all of them. A float model runs on TensorFlow.js’s own wasm kernels, a compressed one on @cq/backend-wasm.',
    )
    .argument('<MODEL...>', 'folders with model.json, Hugging Face folders with config.json, or hf:owner/name')
    .option('--against <RUNTIMES>', 'what runs the float models', 'tfjs')
    .option('--threads <N>', 'threads of a model', wholeNumber('bench', '--threads', 1), 1)
    .option('--rounds <N>', 'inferences of each model that count', wholeNumber('bench', '--rounds', 1), 20)
    .option('--seed <N>', 'chooses the input', wholeNumber('bench', '--seed', 0), 1)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  cq bench models/deit-tiny-patch16-224 out/deit-int8')
    .action(async (models: readonly string[], options: BenchOptions) => {
      checkUse(options);
      const benchmark = await benchModels(models, options, io);
      if (options.json) printJson(io, benchmark);
      else printLines(io, describe(io, benchmark));
    });
}

function checkUse({ against, threads }: BenchOptions): void {
  const other = against.split(',').find((runtime) => runtime !== 'tfjs');
  if (other === 'ort-web') throw new UsageError('bench: --against must be tfjs, got "ort-web"; it comes later');
  if (other !== undefined) throw new UsageError(`bench: --against must be tfjs, got "${other}"`);
  if (threads !== 1) {
    throw new UsageError(`bench: --threads must be 1, got ${threads}; TensorFlow.js starts no threads in Node`);
  }
}

async function benchModels(
  models: readonly string[],
  { rounds, seed, json }: BenchOptions,
  io: Io,
): Promise<Benchmark> {
  const bar = progressBar(io, 'bench', json === true);
  const contestants: Contestant[] = [];
  const stop = (): void => contestants.forEach((contestant) => contestant.stop());
  io.signal.addEventListener('abort', stop);
  try {
    for (const model of models) {
      io.signal.throwIfAborted();
      contestants.push(await startContestant(await modelFolder(model, io, json), seed));
    }
    return { machine: machine(), rows: await compete(contestants, rounds, bar) };
  } finally {
    io.signal.removeEventListener('abort', stop);
    stop();
    bar.stop();
  }
}

/** In every round each runs once, one after the other. */
export async function compete(
  contestants: readonly Contestant[],
  rounds: number,
  progress: Pick<ProgressBar, 'update'>,
): Promise<BenchRow[]> {
  const times = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) times[i]!.push(await contestant.run());
    progress.update(round + 1, rounds);
  }
  const spreads = times.map(spread);
  const rows: BenchRow[] = [];
  for (const [i, { name, runtime, kernels, peakBytes }] of contestants.entries()) {
    const ratio = spreads[i]!.median / spreads[0]!.median;
    rows.push({ name, runtime, milliseconds: spreads[i]!, ratio, peakBytes: await peakBytes(), kernels });
  }
  return rows;
}

function describe(io: Io, { machine: { node, cpu, cores }, rows }: Benchmark): string[] {
  const { dim } = colors(io);
  return [
    table(
      io,
      ['model', 'runtime', 'median', 'min', 'max', 'of the first', 'peak memory'],
      rows.map(({ name, runtime, milliseconds: { min, median, max }, ratio, peakBytes }) => [
        name,
        runtime,
        ...[median, min, max].map(duration),
        ratio === 1
          ? '1'
          : `${ratio.toFixed(2)} (${ratio < 1 ? `${(1 / ratio).toFixed(2)}× faster` : `${ratio.toFixed(2)}× slower`})`,
        readableBytes(peakBytes),
      ]),
    ),
    '',
    dim(`  one thread, Node ${node}, ${cpu}, ${cores} cores`),
    ...rows.map(({ name, kernels }) =>
      dim(
        `  ${name}: ${Object.entries(kernels)
          .map(([kernel, times]) => `${kernel} ${times}`)
          .join(', ')}`,
      ),
    ),
  ];
}
