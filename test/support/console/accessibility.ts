import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const wcag = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Both schemes, on a wide screen and on one of 320 pixels, which is also a wide one with a zoom of 400 %. */
const looks = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 1280 },
  { colorScheme: 'dark', width: 320 },
  { colorScheme: 'light', width: 320 },
] as const;

/** Compares what a page shows with WCAG 2.2 AA: in both colour schemes, on a wide screen and on a narrow one. */
export async function checkAccessibility(page: Page): Promise<void> {
  const size = page.viewportSize();
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source);
  for (const { colorScheme, width } of looks) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    const { violations }: axe.AxeResults = await page.evaluate(
      `axe.run({ runOnly: ${JSON.stringify(wcag)}, resultTypes: ['violations'], elementRef: false })`,
    );
    const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id}: ${target} ${html}`));
    expect(found, `${page.url()}, ${colorScheme}, ${width} px`).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth'), `the width of ${page.url()}`).toBe(width);
  }
  await page.emulateMedia({ colorScheme: null });
  if (size) await page.setViewportSize(size);
}
