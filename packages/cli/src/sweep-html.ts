import { count, duration, percent, readableBytes } from './output.ts';
import { escape, footer, headline, page, sortableTable, table } from './page.ts';
import { paretoFront } from './pareto.ts';
import { hues, legend, loadPlots, type Plots } from './plots.ts';
import { section } from './report-plots.ts';
import type { Sweep } from './sweep.ts';
import type { SweepRow } from './sweep-rows.ts';

/** What a cell costs, for one plot each. */
const costs = [
  { title: 'bytes', label: 'bytes of weights', of: ({ bytes }: SweepRow): number => bytes.after },
  {
    title: 'latency',
    label: 'milliseconds per example',
    of: ({ milliseconds }: SweepRow): number => milliseconds.median,
  },
] as const;

/** The sweep as one page that needs nothing else. */
export async function sweepHtml({ config, rows, failures, version, date, machine }: Sweep): Promise<string> {
  const plots = await loadPlots();
  const drawn = rows.length === 0 ? [] : costs.map((cost) => costPlot(plots, rows, cost));
  const fronts = costs.map(({ of }) => new Set(paretoFront(rows, of, ({ value }) => value)));
  const seeds = new Set(rows.map(({ seed }) => seed)).size > 1;
  const best = rows.reduce((most, { value }) => Math.max(most, value), 0);
  const smallest = rows.reduce((least, { bytes }) => Math.min(least, bytes.ratio), 1);
  return page(
    `Sweep · ${config}`,
    `<header>
<h1>${escape(config)}</h1>
<p>models × recipes, evaluated on ${escape(count(rows[0]?.count ?? 0))} examples each</p>
</header>
<section class="headlines" aria-label="Summary">
${headline(count(rows.length), rows.length === 1 ? 'cell finished' : 'cells finished')}
${headline(percent(best), `the highest ${rows[0]?.metric ?? 'metric'}`)}
${headline(`${(1 / smallest).toFixed(2)}×`, 'smaller, the smallest')}
${failures.length === 0 ? '' : headline(count(failures.length), 'failed')}
</section>
${drawn.join('\n')}
<h2>Cells</h2>
${sortableTable(
  'Cells',
  ['model', 'recipe', ...(seeds ? ['seed'] : []), 'metric', 'macro-F1', 'weighted-F1', 'agreement', 'KL', 'bytes', 'smaller', 'latency', 'p95', 'peak memory', 'on the front of', 'fingerprint'], // prettier-ignore
  rows.map((row) => [
    row.model,
    row.recipe,
    ...(seeds ? [String(row.seed)] : []),
    { text: `${percent(row.value)} (${row.correct} of ${row.count})`, by: row.value },
    { text: percent(row.macroF1), by: row.macroF1 },
    { text: percent(row.weightedF1), by: row.weightedF1 },
    row.agreement === undefined ? '' : { text: percent(row.agreement), by: row.agreement },
    row.kl === undefined ? '' : row.kl.toPrecision(3),
    { text: readableBytes(row.bytes.after), by: row.bytes.after },
    { text: `${(1 / row.bytes.ratio).toFixed(2)}×`, by: 1 / row.bytes.ratio },
    { text: duration(row.milliseconds.median), by: row.milliseconds.median },
    { text: duration(row.milliseconds.p95), by: row.milliseconds.p95 },
    { text: readableBytes(row.peakBytes), by: row.peakBytes },
    costs
      .filter((_, i) => fronts[i]!.has(row))
      .map(({ title }) => title)
      .join(', '),
    row.fingerprint.slice(0, 8),
  ]),
  seeds ? [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] : [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
)}
${
  failures.length === 0
    ? ''
    : `<h2>Failed</h2>\n${table(
        ['model', 'recipe', 'reason'],
        failures.map(({ model, recipe, message }) => [model, recipe, message]),
      )}`
}
${footer({ version, date, machine })}`,
  );
}

/** Cost to the right, on a logarithmic scale; metric upwards; a line through what nothing else is better than. */
function costPlot(
  { Plot, figure }: Plots,
  rows: readonly SweepRow[],
  { title, label, of }: (typeof costs)[number],
): string {
  const points = rows.map((row) => ({
    ...{ cost: of(row), value: 100 * row.value, model: row.model, recipe: row.recipe },
    title: `${row.model} × ${row.recipe}: ${percent(row.value)}`,
  }));
  const front = paretoFront(
    points,
    ({ cost }) => cost,
    ({ value }) => value,
  );
  const models = [...new Set(rows.map(({ model }) => model))];
  return section(
    `Metric against ${title}`,
    'Left and high is better; nothing is better than what the line goes through.',
    (models.length > 1 ? legend(models) : '') +
      figure(`${rows[0]!.metric} by ${label}`, (width) => ({
        ...{ width, height: width > 500 ? 380 : 300, marginLeft: 50, marginRight: 20, marginBottom: 42 },
        x: { type: 'log', label: `${label} →`, grid: true, tickFormat: '~s', ticks: width > 500 ? 6 : 3, insetLeft: 15, insetRight: 70 }, // prettier-ignore
        y: { label: `↑ ${rows[0]!.metric}, %`, grid: true, nice: true, insetBottom: 8 },
        color: { domain: models, range: models.map((_, i) => hues[i % hues.length]!) },
        marks: [
          Plot.line(front, { x: 'cost', y: 'value', stroke: 'currentColor', strokeOpacity: 0.4, curve: 'step-after' }),
          Plot.dot(points, { x: 'cost', y: 'value', fill: 'model', r: 5, title: 'title' }),
          Plot.text(points, {
            x: 'cost',
            y: 'value',
            text: 'recipe',
            dx: 7,
            dy: -7,
            textAnchor: 'start',
            fontSize: 11,
          }),
        ],
      })),
  );
}
