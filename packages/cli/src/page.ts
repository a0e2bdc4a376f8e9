import type { Machine } from './machine.ts';

/** A page that needs nothing else: no font, image or script from anywhere. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${body}
</main>
${body.includes('data-sortable') ? `<script>${sorting}</script>\n` : ''}</body>
</html>
`;
}

export const headline = (number: string, what: string): string =>
  `<div><b>${escape(number)}</b><span>${escape(what)}</span></div>`;

/** What made a page, when and where. */
export interface Origin {
  readonly version: string;
  readonly seed?: number;
  /** ISO 8601 */
  readonly date: string;
  readonly machine: Machine;
}

/** The last line of a page. */
export const footer = ({ version, seed, date, machine: { node, cpu, cores } }: Origin): string =>
  `<footer>${escape([`@cq ${version}`, ...(seed === undefined ? [] : [`seed ${seed}`]), date, `Node ${node}`, `${cpu}, ${cores} cores`].join(' · '))}</footer>`;

/** Text, and what sorts it where the text does not. */
export type Cell = string | { readonly text: string; readonly by: number };

/** A table whose rows the reader sorts by a column. Columns in `numeric` stand to the right. */
export function sortableTable(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  numeric: readonly number[] = [],
): string {
  const side = (column: number): string => (numeric.includes(column) ? ' class="n"' : '');
  const cell = (content: Cell, column: number): string =>
    typeof content === 'string'
      ? `<td${side(column)}>${escape(content)}</td>`
      : `<td${side(column)} data-by="${content.by}">${escape(content.text)}</td>`;
  return `<div class="scroll" role="region" aria-label="${escape(caption)}" tabindex="0"><table data-sortable>
<thead><tr>${head.map((title, column) => `<th scope="col"${side(column)}><button type="button">${escape(title)}</button></th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')}
</tbody>
</table></div>`;
}

/** Columns in `numeric` stand to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: readonly number[] = [],
): string {
  const cell = (tag: 'td' | 'th') => (content: string, column: number) =>
    `<${tag}${numeric.includes(column) ? ' class="n"' : ''}>${escape(content)}</${tag}>`;
  const body = rows.map((row) => `<tr>${row.map(cell('td')).join('')}</tr>`);
  return `<div class="scroll" role="region" aria-label="${escape(head.join(', '))}" tabindex="0"><table>
<thead><tr>${head.map(cell('th')).join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>`;
}

/** Names and reasons come from models: nothing of them may become markup. */
export function escape(value: string | number): string {
  return String(value).replace(/[&<>"']/g, (character) => entities[character]!);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Sorts by a column, and back to front at the second time. Rows without a value come last. */
const sorting = `for (const table of document.querySelectorAll('[data-sortable]')) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, column) => head.firstChild.addEventListener('click', () => {
    const down = head.getAttribute('aria-sort') === 'ascending';
    heads.forEach((other) => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = (row) => {
      const { dataset, textContent: text } = row.cells[column];
      if (text === '') return undefined;
      const number = Number(dataset.by ?? text);
      return Number.isNaN(number) ? text : number;
    };
    const order = (a, b) => a === undefined || b === undefined ? (a === undefined) - (b === undefined)
      : (down ? -1 : 1) * (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)));
    body.append(...[...body.rows].sort((a, b) => order(key(a), key(b))));
  }));
}`;

const dark = `--ink: #edeef0; --soft: #a8adb5; --line: #30343a; --paper: #131517; --card: #1b1e21; --accent: #4fd1c5;
  --hue-1: #4fd1c5; --hue-2: #ff9e64; --hue-3: #b79cff; --hue-4: #7ab8ff; --hue-5: #f472b6; --hue-6: #d4d860; --hue-7: #9aa5b1;`;

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59606a; --line: #e2e5e9; --paper: #fcfcfd; --card: #fff; --accent: #0b7a75;
  --hue-1: #0b746f; --hue-2: #b4460a; --hue-3: #6d4bd1; --hue-4: #1769c2; --hue-5: #c0267a; --hue-6: #7c7a00; --hue-7: #64707d; }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 15px/1.55 system-ui, sans-serif; }
main { margin: 0 auto; max-width: 62rem; padding: 2.75rem 1.25rem 3rem; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { margin: 3rem 0 .35rem; font-size: 1.1rem; letter-spacing: -.005em; }
header p, footer { color: var(--soft); margin: .35rem 0 0; }
header b { color: var(--ink); }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .85rem; }
.says { margin: 0 0 .75rem; max-width: 44rem; color: var(--soft); font-size: .9rem; }
.headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1.75rem 0 1.25rem; }
.headlines div { display: flex; flex-direction: column; padding: .85rem 1rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
.headlines b { font-size: 1.65rem; line-height: 1.2; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.headlines span { color: var(--soft); font-size: .85rem; }
.bar { height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
.steps { display: flex; gap: 2px; height: 1.5rem; margin: .5rem 0 .75rem; border-radius: .35rem; overflow: hidden; }
.steps i { min-width: 3px; }
figure { margin: .5rem 0 0; min-width: 0; }
figure svg { display: block; max-width: 100%; height: auto; overflow: visible; }
figcaption { font-size: .8rem; color: var(--soft); overflow-wrap: anywhere; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17.5rem), 1fr)); gap: 1.25rem; }
.grid svg { width: 100%; }
.narrow { display: none; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } main { padding: 1.75rem 1rem 2rem; } }
.legend { margin: 0 0 .35rem; font-size: .85rem; font-weight: 400; color: var(--soft); }
.legend span { display: inline-block; margin-right: 1rem; }
.legend i { display: inline-block; width: .65rem; height: .65rem; border-radius: 50%; margin-right: .35rem; }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 10rem), 1fr)); gap: .75rem; padding: 0; list-style: none; }
.examples li { border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; background: var(--card); font-size: .85rem; }
.examples img { display: block; width: 100%; aspect-ratio: 4 / 3; object-fit: cover; }
.examples blockquote { margin: 0; padding: .75rem .75rem 0; }
.examples dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .6rem; margin: 0; padding: .6rem .75rem .75rem; }
.examples dt { color: var(--soft); }
.examples dd { margin: 0; overflow-wrap: anywhere; }
.right { color: var(--hue-1); }
.wrong { color: var(--hue-2); }
pre { overflow-x: auto; padding: .85rem 1rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); font-size: .85rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--accent); }
.scroll:has([data-sortable]) { max-height: 36rem; overflow: auto; border: 1px solid var(--line); border-radius: .6rem; }
[data-sortable] thead { position: sticky; top: 0; background: var(--card); }
[data-sortable] th, [data-sortable] td { padding: .3rem .75rem; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th { color: var(--soft); font-weight: 500; text-align: left; }
th button { all: unset; cursor: pointer; white-space: nowrap; }
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th[aria-sort] button { color: var(--ink); }
th[aria-sort="ascending"] button::after { content: " ↑"; }
th[aria-sort="descending"] button::after { content: " ↓"; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
td:not(.n) { min-width: 5.5rem; max-width: 22rem; }
td:first-child { min-width: 11rem; overflow-wrap: anywhere; }
@media (min-width: 60rem) { td:first-child { min-width: 17rem; } }
details { margin-top: 2.5rem; }
summary { cursor: pointer; font-weight: 600; font-size: 1.1rem; }
tbody tr:last-child td { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
`;
