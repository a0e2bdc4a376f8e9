import type { CompressionReport } from './compression-report.ts';
import type { Inside } from './inside.ts';
import { count, duration, percent, readableBytes, significant } from './output.ts';
import { escape, footer, headline, page, sortableTable, table } from './page.ts';
import { hues, legend, loadPlots } from './plots.ts';
import {
  channelPlots,
  confusionPlot,
  depthPlot,
  lossPlot,
  probabilityPlots,
  searchPlot,
  weightPlots,
} from './report-plots.ts';
import { worstExamples } from './worst-examples.ts';

/** The report as one page that needs nothing else: no font, image or script from anywhere. */
export async function reportHtml(report: CompressionReport): Promise<string> {
  const { model, recipe, seed, samples, version, bytes, passes, left, machine, inside, worth } = report;
  const plots = await loadPlots();
  const values = passes.flatMap(({ name, changed }) => changed.map((change) => ({ pass: name, ...change })));
  const skipped = passes.flatMap(({ name, skipped: list }) => list.map((entry) => [name, entry.value, entry.reason]));
  const drawn = [
    ...(inside ? [depthPlot, channelPlots, weightPlots, probabilityPlots].map((draw) => draw(plots, inside)) : []),
    lossPlot(plots, report),
  ];
  return page(
    `${model} · ${recipe}`,
    `<header>
<h1>${escape(model)}</h1>
<p>compressed by <b>${escape(recipe)}</b>, seed ${escape(seed)}, ${escape(count(samples))} calibration examples, in ${escape((report.milliseconds / 1000).toFixed(1))} s</p>
</header>
<section class="headlines" aria-label="Summary">
${headlines(report)}
</section>
<div class="bar" role="img" aria-label="${escape(`${(100 * bytes.ratio).toFixed(1)} % of the bytes are left`)}"><i style="width:${Math.min(100 * bytes.ratio, 100).toFixed(2)}%"></i></div>
${pipeline(passes)}
${searchPlot(plots, report)}
${drawn.join('\n')}
${confusionPlot(plots, worth?.confusion)}
${worstExamples(`Of ${count(worth?.examples ?? 0)} examples those whose outputs are the farthest from those of the model as it came.`, worth?.worst ?? [])}
${inside ? valueTable(inside) : ''}
<h2>Left in float</h2>
${
  left.length === 0
    ? '<p>Nothing: every value is computed in integers.</p>'
    : table(
        ['value', 'reason'],
        left.map(({ value, reason }) => [value, reason]),
      )
}
${skipped.length === 0 ? '' : `<details><summary>Skipped: ${count(skipped.length)}</summary>\n${table(['pass', 'value', 'reason'], skipped)}</details>`}
<h2>What each pass found</h2>
${sortableTable(
  'What each pass found',
  ['value', 'role', 'bits', 'scale', 'zero point', 'pass', 'what it found'],
  values.map((value) => [
    value.value,
    ...['role', 'bits'].map((key) => text(value, key)),
    scaleOf(value),
    text(value, 'zeroPoint'),
    value.pass,
    foundOf(value),
  ]),
  [2, 3, 4],
)}
${report.command === undefined ? '' : `<h2>Again</h2><pre tabindex="0"><code>${escape(report.command)}</code></pre>`}
${footer({ version, seed, date: report.date, machine })}`,
  );
}

/** The most important first: what it is worth, how large, how fast. */
function headlines({ bytes, worth, latency, left }: CompressionReport): string {
  return [
    ...(worth?.accuracy
      ? [headline(percent(worth.accuracy.after), `right, from ${percent(worth.accuracy.before)}`)]
      : []),
    headline(
      `${(bytes.before / bytes.after).toFixed(2)}×`,
      `smaller, ${readableBytes(bytes.before)} → ${readableBytes(bytes.after)}`,
    ),
    ...(latency
      ? [
          headline(
            `${(latency.before.median / latency.after.median).toFixed(2)}×`,
            `as fast, ${duration(latency.before.median)} → ${duration(latency.after.median)} an example`,
          ),
        ]
      : []),
    ...(worth
      ? [
          headline(
            percent(worth.agreement),
            `same answer on ${count(worth.examples)} ${worth.on} examples, KL ${worth.kl.toPrecision(2)}`,
          ),
        ]
      : []),
    headline(count(left.length), left.length === 1 ? 'value left in float' : 'values left in float'),
  ].join('\n');
}

/** How long each pass took, as a strip and a table. */
function pipeline(passes: CompressionReport['passes']): string {
  const parts = passes.map(
    ({ milliseconds }, i) =>
      `<i style="flex:${Math.max(milliseconds, 1).toFixed(0)};background:${hues[i % hues.length]!}"></i>`,
  );
  return `<h2>Passes</h2>
<div class="steps" role="img" aria-label="Time of each pass">${parts.join('')}</div>
${passes.length > 1 ? legend(passes.map(({ name }) => name)) : ''}
${table(
  ['pass', 'options', 'changed', 'skipped', 'time'],
  passes.map(({ name, options, changed, skipped: list, milliseconds: time }) => [
    name,
    Object.entries(options)
      .map(([option, value]) => `${option}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(', '),
    count(changed.length),
    count(list.length),
    duration(time),
  ]),
  [2, 3, 4],
)}`;
}

function valueTable({ values }: Inside): string {
  return `<h2>Values</h2>
<p class="says">In network order; a click on a column sorts by it.</p>
${sortableTable(
  'Values',
  ['value', 'role', 'kind', 'bits', 'SQNR dB', 'bytes', 'computed in', 'why'],
  values.map(({ value, role, kind, bits, sqnr, bytes, computed, reason }) => [
    ...[value, role, kind, String(bits), sqnr?.toFixed(1) ?? ''],
    bytes === undefined ? '' : { text: readableBytes(bytes), by: bytes },
    ...[computed, reason ?? ''],
  ]),
  [3, 4, 5],
)}`;
}

type Details = Readonly<Record<string, unknown>>;

const text = (details: Details, key: string): string => {
  const value = details[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

/** What has a column of its own. */
const columns = ['value', 'role', 'bits', 'scale', 'scales', 'zeroPoint', 'pass'];

/** Whatever else a pass says of a value: what it chose, and what was before and after. */
function foundOf(details: Details): string {
  return Object.entries(details)
    .filter(([key]) => !columns.includes(key))
    .map(([key, found]) => [key, shown(found)] as const)
    .filter(([, found]) => found !== undefined)
    .map(([key, found]) => `${key} ${found}`)
    .join(', ');
}

/** A number or word, or two of them as before → after; lists are for plots. */
function shown(found: unknown): string | undefined {
  if (typeof found === 'number') return significant(found);
  if (typeof found === 'string' || typeof found === 'boolean') return String(found);
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined;
  const [before, after] = ['before', 'after'].map((key) => shown((found as Details)[key]));
  return before !== undefined && after !== undefined ? `${before} → ${after}` : undefined;
}

function scaleOf(details: Details): string {
  const { scale, scales } = details;
  return typeof scales === 'number' ? `${count(scales)} scales` : (shown(scale) ?? '');
}
