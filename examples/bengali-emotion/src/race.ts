import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Dataset } from '@cq/core';
import { median, percentile } from '@cq/eval';

export type Question =
  | { readonly kind: 'load'; readonly kernels: Kernels; readonly folders: readonly string[] }
  | { readonly kind: 'run'; readonly model: number; readonly inputs: Inputs };

export type Answer =
  | { readonly kind: 'loaded'; readonly resident: readonly number[] }
  | { readonly kind: 'ran'; readonly milliseconds: number };

type Kernels = 'ours' | 'stock';
type Inputs = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;

export interface Runner {
  readonly folder: string;
  readonly kernels: Kernels;
}

export interface Lap {
  /** Milliseconds of one text, median and 95th percentile. */
  readonly median: number;
  readonly p95: number;
  /** Of the weights in TensorFlow.js's memory. */
  readonly resident: number;
}

/**
 * Times models on texts one at a time, on one thread: in every round each runs on the same text, one after the other, so
 * that a noisy moment meets all of them; of three runs the fastest counts. The texts are spread evenly over the lengths that the data have.
 */
export async function race(runners: readonly Runner[], data: Dataset, rounds: number): Promise<readonly Lap[]> {
  const texts = await spreadTexts(data, rounds);
  const processes = new Map<Kernels, ChildProcess>();
  const places: { process: ChildProcess; model: number; resident: number; times: number[] }[] = [];
  try {
    for (const kernels of ['ours', 'stock'] as const) {
      const own = runners.filter((runner) => runner.kernels === kernels);
      if (own.length === 0) continue;
      const here = fileURLToPath(import.meta.url);
      const child = fork(fileURLToPath(new URL(`./racer${extname(here)}`, import.meta.url)), [], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      processes.set(kernels, child);
      const loaded = await ask(child, { kind: 'load', kernels, folders: own.map(({ folder }) => folder) }, 'loaded');
      for (const [model, runner] of own.entries())
        places[runners.indexOf(runner)] = { process: child, model, resident: loaded.resident[model]!, times: [] };
    }
    const warmUps = texts.filter((_, i) => i % Math.ceil(texts.length / 3) === 0);
    for (const [round, inputs] of [...warmUps, ...texts].entries()) {
      for (const { process, model, times } of places) {
        const { milliseconds } = await ask(process, { kind: 'run', model, inputs }, 'ran');
        if (round >= warmUps.length) times.push(milliseconds);
      }
    }
  } finally {
    for (const child of processes.values()) child.kill();
  }
  return places.map(({ times, resident }) => ({
    median: median(times),
    p95: percentile(times, 0.95),
    resident,
  }));
}

function ask<Kind extends Answer['kind']>(child: ChildProcess, question: Question, kind: Kind) {
  return new Promise<Extract<Answer, { kind: Kind }>>((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`race: the process ended with code ${code}`));
    child.once('exit', onExit);
    child.once('message', (answer: Answer) => {
      child.off('exit', onExit);
      if (answer.kind === kind) resolve(answer as Extract<Answer, { kind: Kind }>);
      else reject(new Error(`race: unexpected answer "${answer.kind}"`));
    });
    child.send(question);
  });
}

/** `count` single texts: the shortest, the longest and evenly between, in an order that mixes them. */
async function spreadTexts(data: Dataset, count: number): Promise<readonly Inputs[]> {
  const all: Inputs[] = [];
  for await (const { inputs } of data.batches(1)) {
    const entries = Object.entries(inputs).map(([name, { shape, data: values }]) => [
      name,
      { shape, data: [...values] },
    ]);
    all.push(Object.fromEntries(entries) as Inputs);
  }
  const tokens = (inputs: Inputs): number => Object.values(inputs)[0]!.data.length;
  all.sort((a, b) => tokens(a) - tokens(b));
  const size = Math.min(count, all.length);
  const chosen = Array.from({ length: size }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / size)]!);
  const stride = [7, 11, 13, 1].find((step) => step === 1 || size % step !== 0)!;
  return chosen.map((_, i) => chosen[(i * stride) % size]!);
}
