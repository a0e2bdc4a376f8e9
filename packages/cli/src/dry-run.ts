import type { Graph, Pass } from '@cq/core';
import type { Io } from './io.ts';
import { colors, count, printJson, printLines, readableBytes, table } from './output.ts';
import { applicable, rehearse } from './rehearse.ts';

/** Prints what a recipe would do; without one, which passes find anything to do in the model. Needs no data. */
export async function dryRun(
  model: string,
  graph: Graph,
  given: { readonly name: string; readonly passes: readonly Pass[] } | undefined,
  json: boolean,
  io: Io,
): Promise<void> {
  const { bold, dim } = colors(io);
  if (!given) {
    const found = await applicable(graph, io.signal);
    if (json) return printJson(io, { model, applicable: found });
    const rows = found.map(({ name, values, reason }) => [name, count(values), reason ?? '']);
    return printLines(io, [bold(model), '', table(io, ['pass', 'values', 'why none'], rows)]);
  }
  const { passes, bytes, left } = await rehearse(graph, given.passes, io.signal);
  if (json) return printJson(io, { model, recipe: given.name, passes, bytes, left });
  printLines(io, [
    `${bold(model)}  ${given.name}`,
    `  ${readableBytes(bytes.before)} → ${bold(readableBytes(bytes.after))} expected, ${count(left)} ${left === 1 ? 'value' : 'values'} left in float`,
    ...passes.flatMap(({ name, values, skipped }) => [
      '',
      `  ${bold(name)}  ${count(values.length)} values${skipped.length > 0 ? `, ${count(skipped.length)} skipped` : ''}`,
      ...values.map((value) => dim(`    ${value}`)),
    ]),
  ]);
}
