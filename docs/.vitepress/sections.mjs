import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** `<!-- section ../README.md#what-it-gives -->` becomes what stands there under that heading, so that it stands in one place. */
export const sections = {
  name: 'sections',
  enforce: 'pre',
  transform: (code, id) =>
    id.endsWith('.md')
      ? code.replace(/<!-- section (\S+)#(\S+) -->/g, (_, file, anchor) => sectionOf(join(dirname(id), file), anchor))
      : undefined,
};

function sectionOf(file, anchor) {
  const parts = readFileSync(file, 'utf8').split(/^(?=## )/m);
  const found = parts.find((part) => anchorOf(part.split('\n')[0]) === anchor);
  if (!found) throw new Error(`${file}: has no heading for #${anchor}`);
  return found.slice(found.indexOf('\n'));
}

/** As Markdown viewers make it of a heading. */
const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replace(/^#+ |`/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
