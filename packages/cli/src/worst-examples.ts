import { escape } from './page.ts';
import type { Answer, WorstExample } from './seen-examples.ts';

/** A card for each example: its picture or text, its label, and what models say of it. */
export function worstExamples(says: string, examples: readonly WorstExample[]): string {
  if (examples.length === 0) return '';
  return `<h2>${examples[0]!.before ? 'Where the answers changed the most' : 'Where the answers are the farthest from the labels'}</h2>
<p class="says">${escape(says)}</p>
<ul class="examples">
${examples.map(card).join('\n')}
</ul>`;
}

function card({ text, picture, place, label, before, after, kl }: WorstExample): string {
  const shown = `${picture === undefined ? '' : `<img src="${escape(picture)}" alt="${escape(label)}" title="${escape(place ?? '')}">`}${
    text === undefined ? '' : `<blockquote>${escape(text)}</blockquote>`
  }`;
  const answers = before
    ? `<dt>before</dt>${answer(before, label)}<dt>after</dt>${answer(after, label)}<dt>KL</dt><dd>${escape(kl.toPrecision(3))}</dd>`
    : `<dt>said</dt>${answer(after, label)}<dt>label got</dt><dd>${escape((100 * Math.exp(-kl)).toPrecision(2))} %</dd>`;
  return `<li>\n${shown}\n<dl><dt>is</dt><dd>${escape(label)}</dd>${answers}</dl></li>`;
}

function answer({ name, probability }: Answer, label: string): string {
  const right = name === label;
  return `<dd class="${right ? 'right' : 'wrong'}">${right ? '✓' : '✗'} ${escape(name)} ${escape((100 * probability).toFixed(0))} %</dd>`;
}
