import type { CompressionReport } from './compression-report.ts';
import { count, readableBytes, duration, significant } from './output.ts';

/** The report as one page that needs nothing else: no script, no font, no image from anywhere. */
export function reportHtml(report: CompressionReport): string {
  const { model, recipe, seed, samples, version, bytes, passes, left, machine } = report;
  const values = passes.flatMap(({ name, changed }) => changed.map((change) => ({ pass: name, ...change })));
  const skipped = passes.flatMap(({ name, skipped: list }) => list.map((entry) => [name, entry.value, entry.reason]));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(`${model} · ${recipe}`)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escape(model)}</h1>
<p>compressed by <b>${escape(recipe)}</b>, seed ${escape(seed)}, ${escape(count(samples))} calibration examples</p>
</header>
<section class="headlines">
${headline(`${(bytes.before / bytes.after).toFixed(2)}×`, 'smaller')}
${headline(readableBytes(bytes.after), `of weights, from ${readableBytes(bytes.before)}`)}
${headline(count(values.length), 'values changed')}
${headline(count(left.length), left.length === 1 ? 'value left in float' : 'values left in float')}
${headline(`${(report.milliseconds / 1000).toFixed(1)} s`, 'to compress')}
</section>
<div class="bar" role="img" aria-label="${escape(`${(100 * bytes.ratio).toFixed(1)} % of the bytes are left`)}"><i style="width:${Math.min(100 * bytes.ratio, 100).toFixed(2)}%"></i></div>
<h2>Passes</h2>
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
)}
<h2>Left in float</h2>
${
  left.length === 0
    ? '<p>Nothing: every value is computed in integers.</p>'
    : table(
        ['value', 'reason'],
        left.map(({ value, reason }) => [value, reason]),
      )
}
${skipped.length === 0 ? '' : `<h2>Skipped</h2>\n${table(['pass', 'value', 'reason'], skipped)}`}
<h2>Values</h2>
${table(
  ['value', 'role', 'bits', 'scale', 'zero point', 'pass'],
  values.map((value) => [
    value.value,
    ...['role', 'bits'].map((key) => text(value, key)),
    scaleOf(value),
    text(value, 'zeroPoint'),
    value.pass,
  ]),
  [2, 3, 4],
)}
<footer>@cq ${escape(version)} · ${escape(report.date)} · Node ${escape(machine.node)} · ${escape(machine.cpu)}, ${escape(machine.cores)} cores</footer>
</body>
</html>
`;
}

type Details = Readonly<Record<string, unknown>>;

const text = (details: Details, key: string): string => {
  const value = details[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

function scaleOf(details: Details): string {
  const { scale, scales } = details;
  if (typeof scale === 'number') return significant(scale);
  return typeof scales === 'number' ? `${count(scales)} scales` : '';
}

const headline = (number: string, what: string): string =>
  `<div><b>${escape(number)}</b><span>${escape(what)}</span></div>`;

/** Columns in `numeric` stand to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[], numeric: readonly number[] = []): string {
  const cell = (tag: 'td' | 'th') => (content: string, column: number) =>
    `<${tag}${numeric.includes(column) ? ' class="n"' : ''}>${escape(content)}</${tag}>`;
  const body = rows.map((row) => `<tr>${row.map(cell('td')).join('')}</tr>`);
  return `<div class="scroll"><table>
<thead><tr>${head.map(cell('th')).join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>`;
}

/** Names and reasons come from models: nothing of them may become markup. */
function escape(value: string | number): string {
  return String(value).replace(/[&<>"']/g, (character) => entities[character]!);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const style = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #e0e1e6; --paper: #fff; --accent: #0b7a75; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --soft: #a0a4ab; --line: #33363b; --paper: #16181a; --accent: #3fbfb6; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2.5rem 1.25rem; color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.05rem; }
header p, footer { color: var(--soft); margin: .25rem 0 0; }
header b { color: var(--ink); }
footer { margin-top: 2.5rem; font-size: .85rem; }
.headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; margin: 1.75rem 0 1rem; }
.headlines div { display: flex; flex-direction: column; border-top: 2px solid var(--accent); padding-top: .5rem; }
.headlines b { font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.headlines span { color: var(--soft); font-size: .85rem; }
.bar { height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th { color: var(--soft); font-weight: 500; text-align: left; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
`;
