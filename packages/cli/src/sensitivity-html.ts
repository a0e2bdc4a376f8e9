import { count, percent } from './output.ts';
import { escape, footer, headline, page, sortableTable } from './page.ts';
import { hues, legend, loadPlots, type Plots } from './plots.ts';
import { machine } from './machine.ts';
import { section } from './report-plots.ts';
import type { SensitivityReport } from './sensitivity.ts';
import { version } from './version.ts';

/** The ranking as one page that needs nothing else. */
export async function sensitivityHtml(report: SensitivityReport): Promise<string> {
  const { model, recipe, seed, examples, accuracy, quantized, values, blocks } = report;
  const plots = await loadPlots();
  const shown = (share: number | undefined): string => (share === undefined ? '' : percent(share));
  return page(
    `${model} · sensitivity`,
    `<header>
<h1>${escape(model)}</h1>
<p>what each quantizer of <b>${escape(recipe)}</b> costs, on ${escape(count(examples))} examples, seed ${escape(seed)}</p>
</header>
<section class="headlines" aria-label="Summary">
${headline(nats(quantized.kl), 'KL with everything quantized, nats')}
${headline(percent(quantized.agreement), 'same answer as the float model')}
${accuracy === undefined ? '' : headline(percent(quantized.accuracy!), `right, float ${percent(accuracy)}`)}
${headline(count(values.length), 'values, each alone')}
</section>
${worstPlot(plots, report)}
${blockPlot(plots, report)}
<h2>Values</h2>
<p class="says">The most harmful first, each quantized with all others in float; a click on a column sorts by it. The first ones were measured on all examples, and also the other way round: everything quantized but them.</p>
${sortableTable(
  'Values',
  ['value', 'kind', 'bits', 'block', 'SQNR dB', 'KL alone', 'agree', 'right', 'examples', 'KL of all but it'],
  values.map(({ value, kind, bits, block, sqnr, alone, without }) => [
    ...[value, kind, String(bits), block === undefined ? '' : String(block), sqnr.toFixed(1)],
    { text: nats(alone.kl), by: alone.kl },
    { text: percent(alone.agreement), by: alone.agreement },
    alone.accuracy === undefined ? '' : { text: shown(alone.accuracy), by: alone.accuracy },
    String(alone.examples),
    without ? { text: nats(without.kl), by: without.kl } : '',
  ]),
  [2, 3, 4, 5, 6, 7, 8, 9],
)}
<h2>Blocks</h2>
<p class="says">Everything in one block quantized, and nothing else.</p>
${sortableTable(
  'Blocks',
  ['begins at', 'block', 'KL alone', 'agree', 'right'],
  blocks.map(({ block, input, alone }) => [
    ...[input, String(block), { text: nats(alone.kl), by: alone.kl }],
    { text: percent(alone.agreement), by: alone.agreement },
    alone.accuracy === undefined ? '' : { text: shown(alone.accuracy), by: alone.accuracy },
  ]),
  [1, 2, 3, 4],
)}
${footer({ version, date: new Date().toISOString(), machine: machine() })}`,
  );
}

const nats = (kl: number): string => kl.toExponential(2);

/** On a logarithmic scale there is no zero. */
const LEAST = 1e-9;

function worstPlot({ Plot, figure }: Plots, { values }: SensitivityReport): string {
  const kinds = ['weight', 'activation'];
  const dots = values.map(({ value, kind, bits, sqnr, alone }) => ({
    ...{ kind, sqnr, kl: Math.max(alone.kl, LEAST) },
    title: `${value}, ${bits} bits: ${sqnr.toFixed(1)} dB, KL ${nats(alone.kl)}`,
  }));
  return section(
    'Its own error, and what that does to the answers',
    'Each dot is a value, quantized alone. Those to the upper right lose little of themselves and yet harm the answers: the model leans on them.',
    legend(kinds) +
      figure('KL of each value alone by its signal to quantization noise', (width) => ({
        ...{ width, height: width > 500 ? 360 : 280, marginLeft: 54, marginBottom: 34 },
        x: { label: 'SQNR, dB →', grid: true, nice: true, ticks: width > 500 ? 8 : 5 },
        y: { label: '↑ KL alone, nats', type: 'log', grid: true, ticks: 5, tickFormat: '~e' },
        color: { domain: kinds, range: hues.slice(0, 2) },
        marks: [
          Plot.dot(dots, {
            ...{ x: 'sqnr', y: 'kl', fill: 'kind', fillOpacity: 0.75, title: 'title' },
            r: width > 500 ? 3.5 : 2.5,
          }),
        ],
      })),
  );
}

function blockPlot({ Plot, figure }: Plots, { blocks }: SensitivityReport): string {
  if (blocks.length === 0) return '';
  const bars = blocks.map(({ block, alone }) => ({
    block,
    kl: alone.kl,
    title: `block ${block}: KL ${nats(alone.kl)}`,
  }));
  return section(
    'Block by block',
    'KL with everything in one block quantized and all else in float.',
    figure('KL of each block alone', (width) => ({
      ...{ width, height: 240, marginLeft: 60, marginBottom: 34 },
      x: { label: 'block →', type: 'band' },
      y: { label: '↑ KL, nats', grid: true, ticks: 4, tickFormat: '~g' },
      marks: [
        Plot.barY(bars, { x: 'block', y: 'kl', fill: hues[0]!, title: 'title' }),
        Plot.ruleY([0], { stroke: 'var(--line)' }),
      ],
    })),
  );
}
