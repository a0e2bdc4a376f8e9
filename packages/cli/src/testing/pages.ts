import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';

const screenshots = fileURLToPath(new URL('../../../../out/report/', import.meta.url));

/** What a page looks like, and whatever is wrong with it. */
export interface Look {
  readonly tab: Page;
  /** Errors of the console, and requests that leave the page. */
  readonly complaints: readonly string[];
  /** Pixels that it is wider than the screen. */
  readonly sideways: number;
  /** Visible plots, and how many marks each has. */
  readonly plots: readonly (readonly [label: string, marks: number])[];
  /** What axe-core finds serious or critical. */
  readonly barriers: readonly unknown[];
}

/** Opens a page and keeps a screenshot of it in `out/report`. */
export async function look(
  browser: Browser,
  file: string,
  name: string,
  width: number,
  theme: 'light' | 'dark',
): Promise<Look> {
  const tab = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: theme });
  const complaints: string[] = [];
  tab.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  tab.on('pageerror', (error) => void complaints.push(String(error)));
  tab.on('request', (request) => void (/^(file|data):/.test(request.url()) || complaints.push(request.url())));
  await tab.goto(pathToFileURL(file).href);
  mkdirSync(screenshots, { recursive: true });
  await tab.screenshot({ path: join(screenshots, `${name}-${width}-${theme}.png`), fullPage: true });
  const sideways = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const plots = await tab.evaluate(() =>
    Array.from(document.querySelectorAll('svg'))
      .filter((svg) => svg.getClientRects().length > 0)
      .map(
        (svg) =>
          [svg.getAttribute('aria-label') ?? '', svg.querySelectorAll('path[d], circle, rect, line').length] as const,
      ),
  );
  await tab.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
  const violations = await tab.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations.map(
      ({ id, impact, nodes }) => [id, impact, nodes[0]!.html.slice(0, 200)] as const,
    );
  });
  const barriers = violations.filter(([, impact]) => impact === 'serious' || impact === 'critical');
  return { tab, complaints, sideways, plots, barriers };
}
