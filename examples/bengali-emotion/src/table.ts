import Table from 'cli-table3';
import type { Row, Study } from './study.ts';

/** All combinations, with their costs beside those of the float teacher. */
export function table(rows: readonly Row[]): string {
  const made = new Table({
    head: [
      ...['student', 'steps', 'accuracy', 'macro-F1', 'weighted-F1', 'parameters', 'non-zero', 'MB on disk'],
      ...['MB resident', 'ms', 'p95', 'of the teacher', 'stock ms', 'p95'],
    ],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'left', ...new Array<'right'>(12).fill('right')],
  });
  const teacher = teacherOf(rows);
  for (const { shape, pipeline, ours, stock, ...cell } of rows) {
    made.push([
      shape,
      pipeline.join(' → ') || 'none',
      percent(cell.accuracy),
      percent(cell.macroF1),
      percent(cell.weightedF1),
      cell.parameters.toLocaleString('en-US'),
      cell.nonZero.toLocaleString('en-US'),
      megabytes(cell.bytes),
      megabytes(ours.resident),
      ours.median.toFixed(2),
      ours.p95.toFixed(2),
      `1 / ${(teacher.ours.median / ours.median).toFixed(2)}`,
      stock ? stock.median.toFixed(2) : '',
      stock ? stock.p95.toFixed(2) : '',
    ]);
  }
  return made.toString();
}

/** What the study is about, in sentences. */
export function summary({ rows, seeds }: Study): string {
  const teacher = teacherOf(rows);
  const lines = rows
    .filter(({ pipeline }) => pipeline.join('') === 'DPQ')
    .map((row) => {
      const without = rows.find(({ shape, pipeline }) => shape === row.shape && pipeline.join('') === 'DQ')!;
      return (
        `${row.shape}, D → P → Q: ${(teacher.bytes / row.bytes).toFixed(2)}× fewer bytes than the float teacher, ` +
        `${(teacher.ours.median / row.ours.median).toFixed(2)}× lower median latency, ` +
        `${points(row.accuracy - teacher.accuracy)} of accuracy; ` +
        `of D → Q it has ${(row.bytes / without.bytes).toFixed(2)} of the bytes and ${(row.ours.median / without.ours.median).toFixed(2)} of the latency.`
      );
    });
  const mean = (learned: string): number => {
    const own = seeds.filter((row) => row.learned === learned).map(({ scores }) => scores.macroF1);
    return own.reduce((sum, value) => sum + value, 0) / own.length;
  };
  lines.push(
    `Half depth, begun without the teacher's weights, after equal steps, macro-F1, mean of ${seeds.length / 2} seeds: ${percent(mean('teacher'))} from the teacher, ` +
      `${percent(mean('labels'))} from labels alone: ${points(mean('teacher') - mean('labels'))}.`,
  );
  return lines.join('\n');
}

const teacherOf = (rows: readonly Row[]): Row => rows.find(({ pipeline }) => pipeline.length === 0)!;
const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
const points = (value: number): string => `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(2)} points`;
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(2);
