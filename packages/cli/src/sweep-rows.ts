import type { CellResult } from './sweep-cell.ts';

/** A finished cell. */
export interface SweepRow extends CellResult {
  readonly model: string;
  readonly recipe: string;
  readonly seed: number;
}

type Column = readonly [title: string, value: (row: SweepRow) => string | number | undefined];

const columns: readonly Column[] = [
  ['model', ({ model }) => model],
  ['recipe', ({ recipe }) => recipe],
  ['seed', ({ seed }) => seed],
  ['passes', ({ passes }) => passes.join(' > ')],
  ['metric', ({ metric }) => metric],
  ['value', ({ value }) => value],
  ['correct', ({ correct }) => correct],
  ['count', ({ count }) => count],
  ['top5', ({ top5 }) => top5],
  ['macroF1', ({ macroF1 }) => macroF1],
  ['weightedF1', ({ weightedF1 }) => weightedF1],
  ['agreement', ({ agreement }) => agreement],
  ['kl', ({ kl }) => kl],
  ['milliseconds', ({ milliseconds }) => milliseconds.median],
  ['millisecondsP95', ({ milliseconds }) => milliseconds.p95],
  ['millisecondsMin', ({ milliseconds }) => milliseconds.min],
  ['millisecondsMax', ({ milliseconds }) => milliseconds.max],
  ['bytes', ({ bytes }) => bytes.after],
  ['bytesBefore', ({ bytes }) => bytes.before],
  ['bytesRatio', ({ bytes }) => bytes.ratio],
  ['left', ({ left }) => left],
  ['peakBytes', ({ peakBytes }) => peakBytes],
  ['seconds', ({ seconds }) => seconds],
  ['fingerprint', ({ fingerprint }) => fingerprint],
  ['folder', ({ folder }) => folder],
  ['logitsSha256', ({ logitsSha256 }) => logitsSha256],
];

/** As RFC 4180 has it: a cell with a comma, a quote or a line break stands in quotes. */
export function rowsCsv(rows: readonly SweepRow[]): string {
  const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, value]) => value(row) ?? ''))];
  const cell = (value: string | number): string =>
    /[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  return `${lines.map((line) => line.map(cell).join(',')).join('\r\n')}\r\n`;
}
