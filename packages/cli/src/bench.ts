import { spread, type Spread } from '@cq/eval';
import type { Command } from 'commander';
import { checkOnnxRuntime, onnxFilesOf } from './bench-onnx.ts';
import { startContestant, type Contestant } from './bench-process.ts';
import type { Runtime } from './bench-runtime.ts';
import { widest, type SimdLevel } from './bench-simd.ts';
import type { Io } from './io.ts';
import { machine, type Machine } from './machine.ts';
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
import { modelFolder } from './model-folder.ts';
import { oneOf } from './one-of.ts';
import { wholeNumber } from './whole-number.ts';

/** One model on one runtime. Times are in milliseconds. */
export interface BenchRow {
  readonly name: string;
  readonly runtime: Runtime;
  /** Threads that it really had: TensorFlow.js starts none in Node. */
  readonly threads: number;
  /** Of one inference. */
  readonly milliseconds: Spread;
  /** Its median by that of the first row: below 1 is faster. */
  readonly ratio: number;
  /** The most memory its process had, loading included. */
  readonly peakBytes: number;
  /** How often each kernel ran in one inference; onnxruntime-web does not tell. */
  readonly kernels: Readonly<Record<string, number>>;
}

/** What `cq bench` prints: the machine, and a row for each model and runtime in the order given. */
export interface Benchmark {
  readonly machine: Machine & { readonly simd: SimdLevel };
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
        'meets all of them. A float model runs on TensorFlow.js’s own wasm kernels, a compressed one on @cq/backend-wasm,\n' +
        'an .onnx file on onnxruntime-web if that is installed.',
    )
    .argument(
      '<MODEL...>',
      'folders with model.json, Hugging Face folders with config.json, hf:owner/name, .onnx files',
    )
    .option('--against <RUNTIMES>', 'peers: tfjs, and ort-web for the .onnx files beside the models', 'tfjs')
    .option('--threads <N>', 'threads of a model, where its runtime has any', wholeNumber('bench', '--threads', 1), 1)
    .option('--rounds <N>', 'inferences of each model that count', wholeNumber('bench', '--rounds', 1), 20)
    .option('--seed <N>', 'chooses the input', wholeNumber('bench', '--seed', 0), 1)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  cq bench models/deit-tiny-patch16-224 out/deit-int8')
    .action(async (models: readonly string[], options: BenchOptions) => {
      const benchmark = await benchModels(models, options, io);
      if (options.json) printJson(io, benchmark);
      else printLines(io, describe(io, benchmark));
    });
}

/** Everything that is to run, in the order of its rows. */
async function contestantsOf(models: readonly string[], { against, json }: BenchOptions, io: Io): Promise<string[]> {
  const peers = against.split(',').map(oneOf('bench', '--against', ['tfjs', 'ort-web']));
  if (peers.includes('ort-web') || models.some((model) => model.endsWith('.onnx'))) checkOnnxRuntime();
  const found: string[] = [];
  for (const model of models) found.push(await modelFolder(model, io, json));
  const given = found.some((model) => model.endsWith('.onnx'));
  return peers.includes('ort-web') && !given ? [...found, ...onnxFilesOf(found)] : found;
}

async function benchModels(models: readonly string[], options: BenchOptions, io: Io): Promise<Benchmark> {
  const { rounds, threads, seed, json } = options;
  const names = await contestantsOf(models, options, io);
  const bar = progressBar(io, 'bench', json === true);
  const contestants: Contestant[] = [];
  try {
    for (const model of names) {
      io.signal.throwIfAborted();
      contestants.push(await startContestant(model, { model, threads, batch: 1, seed }, io.signal));
    }
    const simd = widest(contestants.map((contestant) => contestant.simd));
    return { machine: { ...machine(), simd }, rows: await compete(contestants, rounds, bar) };
  } finally {
    for (const contestant of contestants) contestant.stop();
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
  for (const [i, { name, runtime, threads, kernels, peakBytes }] of contestants.entries()) {
    const ratio = spreads[i]!.median / spreads[0]!.median;
    rows.push({ name, runtime, threads, milliseconds: spreads[i]!, ratio, peakBytes: await peakBytes(), kernels });
  }
  return rows;
}

function describe(io: Io, { machine: { node, cpu, cores, simd }, rows }: Benchmark): string[] {
  const { dim } = colors(io);
  return [
    table(
      io,
      ['model', 'runtime', 'threads', 'median', 'min', 'max', 'of the first', 'peak memory'],
      rows.map(({ name, runtime, threads, milliseconds: { min, median, max }, ratio, peakBytes }) => [
        name,
        runtime,
        count(threads),
        ...[median, min, max].map(duration),
        ratio === 1
          ? '1'
          : `${ratio.toFixed(2)} (${ratio < 1 ? `${(1 / ratio).toFixed(2)}× faster` : `${ratio.toFixed(2)}× slower`})`,
        readableBytes(peakBytes),
      ]),
    ),
    '',
    dim(`  Node ${node}, ${simd}, ${cpu}, ${cores} cores`),
    ...rows.map(({ name, kernels }) =>
      dim(
        `  ${name}: ${
          Object.entries(kernels)
            .map(([kernel, times]) => `${kernel} ${times}`)
            .join(', ') || 'does not tell which kernels ran'
        }`,
      ),
    ),
  ];
}
