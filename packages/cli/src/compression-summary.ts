import type { CompressionReport } from './compression-report.ts';
import type { Io } from './io.ts';
import { colors, count, duration, readableBytes, table } from './output.ts';

/** Rows of what stayed in float that a terminal shows; the report has all. */
const SHOWN = 12;

export function compressionSummary(
  io: Io,
  out: string,
  { model, recipe, bytes, passes, left, ...report }: CompressionReport,
): string[] {
  const { bold, dim } = colors(io);
  const more = left.length - SHOWN;
  return [
    `${bold(model)}  ${recipe}`,
    `  ${readableBytes(bytes.before)} → ${bold(readableBytes(bytes.after))}  ${bytes.ratio.toFixed(3)} of the bytes, ${(bytes.before / bytes.after).toFixed(2)}× smaller`,
    '',
    table(
      io,
      ['pass', 'changed', 'skipped', 'time'],
      passes.map((pass) => [
        pass.name,
        count(pass.changed.length),
        count(pass.skipped.length),
        duration(pass.milliseconds),
      ]),
    ),
    '',
    `  ${count(left.length)} ${left.length === 1 ? 'value' : 'values'} left in float`,
    ...(left.length > 0
      ? [
          table(
            io,
            ['value', 'reason'],
            left.slice(0, SHOWN).map(({ value, reason }) => [value, reason]),
          ),
        ]
      : []),
    ...(more > 0 ? [dim(`  … and ${count(more)} more in ${out}/report.json`)] : []),
    '',
    `  ${out}  written in ${(report.milliseconds / 1000).toFixed(1)} s: model.json, weights, report.json, report.html`,
    dim(`  next: cq eval ${out} --data DATA --reference ${model}`),
  ];
}
