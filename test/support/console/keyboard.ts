// biome-ignore lint/suspicious/noExplicitAny: tests are checked without the types of a browser.
type Element = any;

import type { CDPSession, Locator, Page } from 'playwright-core';

/** How many elements of a page can have the focus at most. */
const mostStops = 400;

// These functions run in the browser, so they use nothing that is around them here.

const hasFocus = (element: Element) => element === element.ownerDocument.activeElement;

/** How many times the key Tab leads from the focus to an element, if the order is that of the document. */
function stopsTo(target: Element): number {
  const { activeElement: focus } = target.ownerDocument;
  const scope = target.closest('dialog:modal') ?? target.ownerDocument;
  const stops = [...scope.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter(
    (one) => one === focus || (!one.disabled && one.checkVisibility({ visibilityProperty: true })),
  );
  const passed = stops.filter((one) => one.compareDocumentPosition(focus) & 4 || one === focus).length;
  const steps = stops.indexOf(target) - passed + 1;
  // A heading that has the focus is no stop, so the first step back leads to the stop before it.
  return steps > 0 || stops.includes(focus) ? steps : steps - 1;
}

/** What `describeHidden` says; that function runs in the page, where this name is unknown. */
const outside = 'is outside of the window';

/** What of the focus a person cannot see. */
function describeHidden(element: Element): string | undefined {
  const { innerWidth, getComputedStyle } = element.ownerDocument.defaultView;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  if ((outlineStyle === 'none' || outlineWidth === '0px') && boxShadow === 'none') return 'has no outline';
  const { left, top, width, height } = element.getBoundingClientRect();
  const middle = [left + Math.min(width, innerWidth) / 2, top + Math.min(height, 20) / 2];
  const shown = element.ownerDocument.elementFromPoint(...middle);
  if (shown === null) return 'is outside of the window';
  return element.contains(shown) || shown.contains(element) ? undefined : 'is covered';
}

/** How many options lie between the chosen one and another one. */
const stepsToOption = (list: Element, label: string) =>
  [...list.options].findIndex((option) => option.label === label) - list.selectedIndex;

const keys = { Tab: { key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 } };

/** Uses a page by its keyboard alone. */
export class Keyboard {
  constructor(
    private readonly page: Page,
    private readonly devtools: CDPSession,
  ) {}

  /** Presses Tab so many times, or Shift and Tab for a number below 0. */
  async #tab(times: number): Promise<void> {
    const modifiers = times < 0 ? 8 : 0;
    const presses = Array.from({ length: Math.abs(times) }, () =>
      this.devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', modifiers, ...keys.Tab }),
    );
    await Promise.all(presses);
  }

  /** Moves the focus to an element, as often as it needs the key Tab. */
  async reach(target: Locator): Promise<void> {
    await target.waitFor();
    if (!(await target.evaluate(hasFocus))) await this.#tab(await target.evaluate(stopsTo));
    for (let presses = 0; !(await target.evaluate(hasFocus)); presses++) {
      if (presses === mostStops) throw new Error(`The key Tab does not lead to ${target}.`);
      await this.#tab(1);
    }
    let hidden = await target.evaluate(describeHidden);
    if (hidden === outside) {
      // It had the focus before the page grew or the window shrank. A person goes away from it and comes back.
      await this.#tab(-1);
      await this.#tab(1);
      hidden = (await target.evaluate(hasFocus)) ? await target.evaluate(describeHidden) : hidden;
    }
    if (hidden) throw new Error(`The focus on ${target} ${hidden}.`);
  }

  /** Presses a key on an element: Enter on links and buttons, Space on boxes. */
  async press(target: Locator, key = 'Enter'): Promise<void> {
    await this.reach(target);
    await this.page.keyboard.press(key);
  }

  /** Types a text in place of what stands in a field. */
  async type(field: Locator, text: string): Promise<void> {
    await this.reach(field);
    await this.page.keyboard.press('ControlOrMeta+A');
    await this.page.keyboard.type(text);
  }

  /** Chooses an option of a list by the arrows. */
  async choose(list: Locator, option: string): Promise<void> {
    await this.reach(list);
    for (;;) {
      const steps = await list.evaluate(stepsToOption, option);
      if (steps === 0) return;
      await this.page.keyboard.press(steps > 0 ? 'ArrowDown' : 'ArrowUp');
    }
  }
}
