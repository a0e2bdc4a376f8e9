import type { Dataset } from '@cq/core';
import type { Evaluation } from '@cq/eval';
import { machine } from './machine.ts';
import { count, duration, percent } from './output.ts';
import { escape, footer, headline, page, table } from './page.ts';
import { hues, legend, loadPlots, type Plots } from './plots.ts';
import { confusionPlot, section } from './report-plots.ts';
import type { SeenExamples } from './seen-examples.ts';
import { version } from './version.ts';
import { worstExamples } from './worst-examples.ts';

/** What an evaluation was of. */
export interface EvaluatedModel {
  readonly model: string;
  readonly reference?: string;
  readonly evaluation: Evaluation;
  readonly seen: SeenExamples;
  readonly data: Dataset;
}

/** The evaluation as one page that needs nothing else. */
export async function evalHtml({ model, reference, evaluation, seen, data }: EvaluatedModel): Promise<string> {
  const { value, correct, count: all, top5, agreement, kl, milliseconds } = evaluation;
  const plots = await loadPlots();
  const confusion = seen.confusion();
  const says = reference
    ? `Of ${count(all)} examples those whose outputs are the farthest from those of ${reference}.`
    : `Of ${count(all)} examples those whose labels got the least.`;
  return page(
    `${model} · evaluation`,
    `<header>
<h1>${escape(model)}</h1>
<p>evaluated on <b>${escape(data.name)}</b>${reference === undefined ? '' : `, beside ${escape(reference)}`}</p>
</header>
<section class="headlines" aria-label="Summary">
${headline(percent(value), `right, ${count(correct)} of ${count(all)}`)}
${headline(percent(top5), 'among the first five')}
${agreement === undefined || kl === undefined ? '' : headline(percent(agreement), `same answer as the reference, KL ${kl.toPrecision(2)}`)}
${headline(duration(milliseconds), 'an example, median')}
</section>
${surenessPlot(plots, seen)}
${confusionPlot(plots, confusion)}
${confusion ? '' : mistakes(seen)}
${worstExamples(says, await seen.worst(data))}
${footer({ version, date: new Date().toISOString(), machine: machine() })}`,
  );
}

function surenessPlot({ Plot, figure }: Plots, seen: SeenExamples): string {
  const { right, wrong } = seen.sureness();
  const kinds = ['right', 'wrong'];
  const bars = [right, wrong].flatMap((bins, kind) =>
    bins.map((examples, i) => ({ kind: kinds[kind], from: i / bins.length, to: (i + 1) / bins.length, examples })),
  );
  return section(
    'How sure the answers are',
    'Answers by the probability that the model gives them. Wrong ones to the right are what it should not be sure of.',
    legend(kinds) +
      figure('Answers by their probability', (width) => ({
        ...{ width, height: 240, marginLeft: 44, marginBottom: 34 },
        x: { label: 'probability →', domain: [0, 1], ticks: 5 },
        y: { label: '↑ examples', grid: true },
        color: { domain: kinds, range: hues.slice(0, 2) },
        marks: [
          Plot.rectY(bars, Plot.stackY({ x1: 'from', x2: 'to', y: 'examples', fill: 'kind', insetLeft: 1 })),
          Plot.ruleY([0], { stroke: 'var(--line)' }),
        ],
      })),
  );
}

function mistakes(seen: SeenExamples): string {
  const rows = seen.mistakes().map(({ label, said, count: times }) => [label, said, count(times)]);
  if (rows.length === 0) return '';
  return `<h2>Taken for one another</h2>\n${table(['is', 'said', 'examples'], rows, [2])}`;
}
