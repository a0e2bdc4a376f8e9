import type { CompressionReport } from './compression-report.ts';
import { count, readableBytes, duration, significant } from './output.ts';
import { escape, headline, page, table } from './page.ts';

/** The report as one page that needs nothing else: no script, no font, no image from anywhere. */
export function reportHtml(report: CompressionReport): string {
  const { model, recipe, seed, samples, version, bytes, passes, left, machine } = report;
  const values = passes.flatMap(({ name, changed }) => changed.map((change) => ({ pass: name, ...change })));
  const skipped = passes.flatMap(({ name, skipped: list }) => list.map((entry) => [name, entry.value, entry.reason]));
  return page(
    `${model} · ${recipe}`,
    `<header>
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
<footer>@cq ${escape(version)} · ${escape(report.date)} · Node ${escape(machine.node)} · ${escape(machine.cpu)}, ${escape(machine.cores)} cores</footer>`,
  );
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
