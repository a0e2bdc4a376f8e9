import type { Page } from 'playwright-core';

/** More than a page here has stops for the Tab key. */
const MOST_STOPS = 120;

/** Presses Tab until this element has the focus. @throws Error if the focus cannot be seen on the way, or never gets there. */
export async function tabTo(page: Page, selector: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  for (let i = 0; i < MOST_STOPS; i++) {
    await page.keyboard.press(key);
    if ((await stop(page, selector)) === 'there') return;
  }
  throw new Error(`${selector}: ${MOST_STOPS} times ${key} did not get there`);
}

/** Presses Tab until the focus has left the page: nothing in it is a trap. @returns the stops in it. */
export async function tabOut(page: Page): Promise<number> {
  for (let i = 0; i < MOST_STOPS; i++) {
    await page.keyboard.press('Tab');
    if ((await stop(page, 'body')) === 'there') return i;
  }
  throw new Error(`${MOST_STOPS} times Tab did not leave the page`);
}

async function stop(page: Page, selector: string): Promise<'there' | 'elsewhere'> {
  const { hidden, there } = await page.evaluate((selector) => {
    const focused = document.activeElement!;
    const seen = focused.closest('.file') ?? focused; // the input in it is what the browser draws, and transparent
    const { outlineStyle, outlineWidth } = getComputedStyle(seen);
    const { top, bottom, width, height } = seen.getBoundingClientRect();
    const visible = bottom > 0 && top < innerHeight && width > 0 && height > 0;
    const shown = focused === document.body || (visible && outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2);
    return { hidden: shown ? undefined : seen.outerHTML.slice(0, 200), there: focused.matches(selector) };
  }, selector);
  if (hidden !== undefined) throw new Error(`the focus cannot be seen on ${hidden}`);
  return there ? 'there' : 'elsewhere';
}

/** Replaces what is in the input that has the focus. */
export async function typeOver(page: Page, text: string): Promise<void> {
  await page.keyboard.press('Control+A');
  await page.keyboard.type(text);
}
