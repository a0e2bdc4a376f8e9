import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import pc from 'picocolors';
import type { Io } from './io.ts';

/** Colours for results, if they go to a terminal and NO_COLOR is not set. */
export function colors({ stdout, env }: Io): ReturnType<typeof pc.createColors> {
  return pc.createColors(stdout.isTTY === true && !env['NO_COLOR']);
}

/** The one JSON document of a command. */
export function printJson({ stdout }: Io, value: unknown): void {
  stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

export function printLines({ stdout }: Io, lines: readonly string[]): void {
  stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** A table as lines of text. Columns whose cells are all numbers stand to the right. */
export function table(io: Io, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const { dim } = colors(io);
  const numeric = head.map((_, column) => rows.every((row) => /^[-+]?[\d.,]+( ?[^ \d]+)?$|^$/.test(row[column] ?? '')));
  const drawn = new Table({
    head: head.map((title) => dim(title)),
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: blank,
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n');
}

const borders = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'];
const separators = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'];
const blank = Object.fromEntries([...borders, ...separators].map((place) => [place, '']));

export interface ProgressBar {
  update(done: number, total: number, label?: string): void;
  stop(): void;
}

/** A bar with the time that is left, on stderr; nothing if that is no terminal, or with --json. */
export function progressBar({ stderr }: Io, label: string, json: boolean): ProgressBar {
  if (json || stderr.isTTY !== true) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    stream: stderr,
    format: '{label} {bar} {value}/{total}  {eta_formatted} left',
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 28,
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 20,
  });
  let shown: number | undefined;
  return {
    update(done, total, now = label) {
      if (shown === undefined) bar.start(total, done, { label: now });
      bar.setTotal(total);
      if (done === shown)
        bar.update({ label: now }); // Counted again, it would seem that the work stands still.
      else bar.update(done, { label: now });
      shown = done;
    },
    stop: () => bar.stop(),
  };
}

export const count = (value: number): string => value.toLocaleString('en-US');

export const readableBytes = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 1)} MB`;

/** Milliseconds for people. */
export const duration = (value: number): string =>
  value < 10_000 ? `${value.toFixed(value < 10 ? 2 : 1)} ms` : `${(value / 1000).toFixed(1)} s`;

export const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;

/** Enough digits of a scale to tell it from its neighbours. */
export const significant = (value: number): string => String(Number(value.toPrecision(4)));
