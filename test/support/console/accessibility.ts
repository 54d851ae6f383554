import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Both schemes, on a wide screen and on one of 320 pixels, which is also a wide one with a zoom of 400 %. */
const looks = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 1280 },
  { colorScheme: 'dark', width: 320 },
  { colorScheme: 'light', width: 320 },
] as const;

/** What of a page is wider than its window, which people would have to move to the side for each line (WCAG 1.4.10). */
const overflowing = `[...document.querySelectorAll('body *')]
  .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.closest('[popover]:not(:popover-open)'))
  .map((one) => one.outerHTML.slice(0, 200)).slice(-3)`;

async function checkLook(page: Page, { colorScheme, width }: (typeof looks)[number]): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: 800 });
  const options = { runOnly: rules, resultTypes: ['violations'], elementRef: false };
  const { violations }: axe.AxeResults = await page.evaluate(`axe.run(${JSON.stringify(options)})`);
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id}: ${target} ${html}`));
  const look = `${page.url()}, ${colorScheme}, ${width} px`;
  expect(found, look).toEqual([]);
  const isTooWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
  expect(isTooWide ? await page.evaluate(overflowing) : [], look).toEqual([]);
}

/** Compares what a page shows with WCAG 2.2 AA: in both colour schemes, on a wide screen and on a narrow one. */
export async function checkAccessibility(page: Page): Promise<void> {
  const size = page.viewportSize();
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source);
  try {
    for (const look of looks) await checkLook(page, look);
  } finally {
    await page.emulateMedia({ colorScheme: null });
    if (size) await page.setViewportSize(size);
  }
}
