import { count, duration, percent, readableBytes } from './output.ts';
import { escape, headline, page, table } from './page.ts';
import { paretoFront } from './pareto.ts';
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
  const plots = rows.length === 0 ? [] : await Promise.all(costs.map((cost) => figure(rows, cost)));
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
<section class="headlines">
${headline(count(rows.length), rows.length === 1 ? 'cell finished' : 'cells finished')}
${headline(percent(best), `the highest ${rows[0]?.metric ?? 'metric'}`)}
${headline(`${(1 / smallest).toFixed(2)}×`, 'smaller, the smallest')}
${failures.length === 0 ? '' : headline(count(failures.length), 'failed')}
</section>
${plots.join('\n')}
<h2>Cells</h2>
${table(
  ['model', 'recipe', ...(seeds ? ['seed'] : []), 'metric', 'macro-F1', 'weighted-F1', 'agreement', 'KL', 'bytes', 'smaller', 'latency', 'p95', 'peak memory', 'on the front of', 'fingerprint'], // prettier-ignore
  rows.map((row) => [
    row.model,
    row.recipe,
    ...(seeds ? [String(row.seed)] : []),
    `${percent(row.value)} (${row.correct} of ${row.count})`,
    percent(row.macroF1),
    percent(row.weightedF1),
    row.agreement === undefined ? '' : percent(row.agreement),
    row.kl === undefined ? '' : row.kl.toPrecision(3),
    readableBytes(row.bytes.after),
    `${(1 / row.bytes.ratio).toFixed(2)}×`,
    duration(row.milliseconds.median),
    duration(row.milliseconds.p95),
    readableBytes(row.peakBytes),
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
<footer>@cq ${escape(version)} · ${escape(date)} · Node ${escape(machine.node)} · ${escape(machine.cpu)}, ${escape(machine.cores)} cores</footer>`,
  );
}

/** Cost to the right, on a logarithmic scale; metric upwards; a line through what nothing else is better than. */
async function figure(rows: readonly SweepRow[], { title, label, of }: (typeof costs)[number]): Promise<string> {
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const points = rows.map((row) => ({
    row,
    cost: of(row),
    value: 100 * row.value,
    model: row.model,
    recipe: row.recipe,
  }));
  const front = paretoFront(
    points,
    ({ cost }) => cost,
    ({ value }) => value,
  );
  const { document } = parseHTML('<html></html>');
  const drawn = Plot.plot({
    document,
    ...{ width: 760, height: 380, marginLeft: 50, marginRight: 20, marginBottom: 42, style: { background: 'none' } },
    x: { type: 'log', label: `${label} →`, grid: true, tickFormat: '~s', ticks: 6, insetLeft: 15, insetRight: 70 },
    y: { label: `↑ ${rows[0]!.metric}, %`, grid: true, nice: true },
    color: { scheme: 'observable10' },
    marks: [
      Plot.line(front, { x: 'cost', y: 'value', stroke: 'currentColor', strokeOpacity: 0.4, curve: 'step-after' }),
      Plot.dot(points, {
        ...{ x: 'cost', y: 'value', fill: 'model', r: 5 },
        title: ({ row }: (typeof points)[number]) => `${row.model} × ${row.recipe}: ${percent(row.value)}`,
      }),
      Plot.text(points, { x: 'cost', y: 'value', text: 'recipe', dx: 7, dy: -7, textAnchor: 'start', fontSize: 11 }),
    ],
  }) as unknown as Element;
  const models = new Set(rows.map((row) => row.model));
  const legend = models.size > 1 ? ` <span class="legend">${legendOf(drawn, [...models], points)}</span>` : '';
  return `<h2>Metric against ${escape(title)}${legend}</h2>\n<figure>${drawn.outerHTML}</figure>`;
}

/** The colours are those that the dots have. */
function legendOf(drawn: Element, models: readonly string[], points: readonly { readonly model: string }[]): string {
  const dots = Array.from(drawn.querySelectorAll('[aria-label="dot"] circle'));
  return models
    .map((model) => {
      const colour = dots[points.findIndex((point) => point.model === model)]?.getAttribute('fill') ?? 'currentColor';
      return `<i style="background:${escape(colour)}"></i>${escape(model)}`;
    })
    .join(' ');
}
