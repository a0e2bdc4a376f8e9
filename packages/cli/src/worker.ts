import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Io } from './io.ts';
import { printJson, printLines } from './output.ts';
import { required } from './required.ts';
import { defaultQueue } from './sweep.ts';
import type { SweepJob } from './sweep-job.ts';
import { work } from './sweep-redis.ts';
import { wholeNumber } from './whole-number.ts';

interface WorkerOptions {
  readonly redis?: string;
  readonly queue: string;
  readonly folder: string;
  readonly stalledAfter: number;
  readonly json?: boolean;
}

export function workerCommand(program: Command, io: Io): void {
  program
    .command('worker')
    .summary('computes cells of sweeps that wait in Redis')
    .description(
      'Takes one cell after the other from the queue of cq sweep --redis, until Ctrl-C, which gives the cell at hand back. ' +
        'Start as many as there are machines. Each cell ends once, even if a worker is killed: another then takes it.',
    )
    .option('--redis <URL>', 'the Redis server (required), such as redis://localhost:6379')
    .option('--queue <NAME>', 'the queue in Redis', defaultQueue)
    .option('--folder <DIR>', 'the folder that the config of the sweep lies in, or a copy of it', '.')
    .option(
      '--stalled-after <SECONDS>',
      'how long a worker may be silent before its cell goes to another; the same for all',
      wholeNumber('worker', '--stalled-after', 1),
      30,
    )
    .option('--json', 'print one JSON document at the end: the cells that this has finished')
    .addHelpText(
      'after',
      `
Example:
  cq worker --redis redis://localhost:6379 --folder studies

Models and data are read from DIR, and must be those that the sweep was planned with. Compressed models, and what
passes have finished, stay in the folder of the sweep in DIR; workers that share it share passes. Results go through
Redis. Needs the packages bullmq and ioredis: npm install bullmq ioredis`,
    )
    .action(async (options: WorkerOptions) => {
      const url = required('worker', '--redis URL', options.redis);
      const finished: string[] = [];
      const say = (line: string): void => (options.json ? undefined : printLines(io, [line]));
      await work(
        { url, name: options.queue },
        {
          ...{ folder: resolve(options.folder), stalledAfterSeconds: options.stalledAfter, signal: io.signal },
          begun: (job) => say(`begins ${nameOf(job)}`),
          ended(job, error) {
            if (!error) finished.push(nameOf(job));
            say(error ? `failed ${nameOf(job)}: ${error.message}` : `done   ${nameOf(job)}`);
          },
        },
      );
      if (options.json) printJson(io, { finished });
    });
}

function nameOf({ cell, sharedPasses, fingerprint }: SweepJob): string {
  const part = sharedPasses === undefined ? '' : `, ${sharedPasses} shared ${sharedPasses === 1 ? 'pass' : 'passes'}`;
  return `${cell.model.name} × ${cell.recipe.name}, seed ${cell.seed}${part} (${fingerprint.slice(0, 8)})`;
}
