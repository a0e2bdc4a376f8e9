/** A page that needs nothing else: no script, no font, no image from anywhere. */
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
${body}
</body>
</html>
`;
}

export const headline = (number: string, what: string): string =>
  `<div><b>${escape(number)}</b><span>${escape(what)}</span></div>`;

/** Columns in `numeric` stand to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: readonly number[] = [],
): string {
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
figure { margin: .5rem 0 0; }
figure svg { max-width: 100%; }
.legend { margin-left: 1rem; font-size: .85rem; font-weight: 400; color: var(--soft); }
.legend i { display: inline-block; width: .6rem; height: .6rem; border-radius: 50%; margin: 0 .35rem 0 .6rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th { color: var(--soft); font-weight: 500; text-align: left; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
`;
