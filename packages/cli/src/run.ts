import { CqError } from '@cq/core';
import { Command, CommanderError } from 'commander';
import { benchCommand } from './bench.ts';
import { completionCommand } from './completion.ts';
import { compressCommand } from './compress.ts';
import { doctorCommand } from './doctor.ts';
import { evalCommand } from './eval.ts';
import { inspectCommand } from './inspect.ts';
import { Interrupted } from './interrupted.ts';
import type { Io } from './io.ts';
import { sweepCommand } from './sweep.ts';
import { sensitivityCommand } from './sensitivity.ts';
import { UsageError } from './usage-error.ts';
import { version } from './version.ts';
import { workerCommand } from './worker.ts';

/** 0: done. 1: the work failed. 2: wrong use. */
export type ExitCode = 0 | 1 | 2;

/** The whole command: `argv` without node and the script. Results go to stdout, one line per failure to stderr. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const program = commands(io);
  const names = program.commands.map((command) => command.name());
  const asked = argv[0] === 'help' ? argv[1] : argv[0];
  const unknown = asked !== undefined && !asked.startsWith('-') && !names.includes(asked);
  try {
    await program.parseAsync(unknown ? [asked] : [...argv], { from: 'user' }); // Its help would hide that it is unknown.
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help and --version
    const { code, text } = failure(error, io.signal, names.includes(argv[0]!) ? argv[0] : undefined);
    if (text !== '') io.stderr.write(`${text}\n`);
    return code;
  }
}

/** All that the command line understands; the help, wrong use and shell completion derive from it. */
export function commands(io: Io): Command {
  const program = new Command('cq')
    .description('Compresses Transformers for TensorFlow.js and shows what that costs and gains.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this, or the help of a command')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: () => undefined, // `failure` prints it, in one line.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      'after',
      `
Examples:
  cq inspect  models/deit-tiny-patch16-224
  cq compress models/deit-tiny-patch16-224 --recipe int8 --calibration data/photos --out out/deit-int8
  cq eval     out/deit-int8 --data data/imagenet-val --reference models/deit-tiny-patch16-224
  cq bench    models/deit-tiny-patch16-224 out/deit-int8
  cq sweep    study.json
  cq worker   --redis redis://localhost:6379
  cq doctor
  source <(cq completion bash)

Results go to stdout, progress to stderr. Every command but completion takes --json for one JSON document.
Exit code 0: done; 1: the work failed; 2: wrong use. NO_COLOR turns colours off.`,
    );
  for (const add of [
    inspectCommand,
    compressCommand,
    evalCommand,
    sensitivityCommand,
    benchCommand,
    sweepCommand,
    workerCommand,
    doctorCommand,
    completionCommand,
  ])
    add(program, io);
  return program;
}

function failure(error: unknown, signal: AbortSignal, command: string | undefined): { code: ExitCode; text: string } {
  if (error instanceof Interrupted) return { code: 1, text: oneLine(error.message) };
  if (signal.aborted) return { code: 1, text: `${command ?? 'cq'}: interrupted; nothing was written` };
  if (error instanceof UsageError) return { code: 2, text: oneLine(error.message) };
  if (error instanceof CqError) return { code: 1, text: oneLine(error.message) };
  if (error instanceof CommanderError) return { code: 2, text: wrongUse(error, command) };
  const { message, code, path, stack } = error as NodeJS.ErrnoException;
  if (code !== undefined && path !== undefined) return { code: 1, text: oneLine(`${path}: ${message}`) };
  return {
    code: 1,
    text: `${command ?? 'cq'}: unexpected error; please report it with these lines\n${stack ?? String(error)}`,
  };
}

/** Commander writes the help itself, and else `error: <rule>` with a suggestion on a line of its own. */
function wrongUse({ code, message }: CommanderError, command: string | undefined): string {
  if (code === 'commander.help') return '';
  const said = oneLine(message.replace(/^error: /, ''));
  return `${command ?? 'cq'}: ${said}; see ${command ? `cq ${command}` : 'cq'} --help`;
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ');
