import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

interface Axe {
  run(options: object): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
}

const script = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** What is wrong with the page as it stands, light and dark, 390 pixels wide: serious findings of axe, and too much width. */
export async function whatIsInaccessible(page: Page): Promise<readonly string[]> {
  const before = page.viewportSize()!;
  await page.setViewportSize({ width: 390, height: 844 });
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(script);
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    found.push(...(await page.evaluate(look)).map((one) => `${colorScheme}: ${one}`));
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
  return found;
}

async function look(): Promise<readonly string[]> {
  const { axe } = globalThis as unknown as { axe: Axe };
  const { violations } = await axe.run({ resultTypes: ['violations'] });
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  const { scrollWidth } = document.documentElement;
  return [
    ...serious.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`),
    ...(scrollWidth > 390 ? [`${scrollWidth} pixels wide`] : []),
  ];
}
