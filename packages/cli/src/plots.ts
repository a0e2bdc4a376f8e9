import type * as Library from '@observablehq/plot';
import type { PlotOptions } from '@observablehq/plot';
import { escape } from './page.ts';

/** Draws for pages: SVG in the colours of the page, so that it follows light and dark. */
export interface Plots {
  readonly Plot: typeof Library;
  /** Twice, for wide and for narrow screens: text keeps its size. */
  figure(label: string, draw: (width: number) => PlotOptions): string;
  /** Small ones, side by side where there is room. */
  grid(drawn: readonly { readonly title: string; readonly options: PlotOptions }[]): string;
}

/** Colours of categories that tell apart on both grounds; defined by the page. */
export const hues = [1, 2, 3, 4, 5, 6, 7].map((i) => `var(--hue-${i})`);

const [WIDE, NARROW, SMALL] = [920, 344, 300];

/** Plot is loaded only by what draws: it is large. */
export async function loadPlots(): Promise<Plots> {
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const svg = (options: PlotOptions, label: string): string => {
    const { document } = parseHTML('<html></html>');
    const drawn = Plot.plot({ document, style: { background: 'none' }, ...options }) as unknown as Element;
    const root = drawn.tagName.toLowerCase() === 'svg' ? drawn : drawn.querySelector('svg')!;
    root.setAttribute('role', 'img');
    root.setAttribute('aria-label', label);
    root.querySelectorAll('[aria-label]').forEach((part) => part.removeAttribute('aria-label'));
    root.querySelectorAll('style').forEach((style) => style.remove());
    return root.outerHTML;
  };
  return {
    Plot,
    figure: (label, draw) =>
      `<figure><div class="wide">${svg(draw(WIDE), label)}</div><div class="narrow">${svg(draw(NARROW), label)}</div></figure>`,
    grid: (drawn) =>
      `<div class="grid">${drawn
        .map(
          ({ title, options }) =>
            `<figure><figcaption>${escape(title)}</figcaption>${svg({ width: SMALL, height: 180, ...options }, title)}</figure>`,
        )
        .join('\n')}</div>`,
  };
}

/** @param entries Names, in the order of `hues`. */
export const legend = (entries: readonly string[]): string =>
  `<p class="legend">${entries
    .map((name, i) => `<span><i style="background:${hues[i % hues.length]!}"></i>${escape(name)}</span>`)
    .join('')}</p>`;
