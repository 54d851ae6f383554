/** The rows of a screen's lists are links to what they are about, and the one with the focus is the one that keys are about. */
const links = () =>
  [...document.querySelectorAll('main :is(tbody tr, .newest li)')].flatMap((row) => row.querySelector('a') ?? []);

const hasFocus = (link: HTMLElement) => link.closest('tr, li')?.contains(document.activeElement) === true;

/** The address of the row on which somebody was last, so that they go on from there after a look into it. */
let latest: string | undefined;

/** The link of the row in which the focus is. */
export const currentRow = () => links().find(hasFocus);

/** Moves the focus to the next row, or to the one before; without any, it begins with the first one. */
export function moveRow(by: 1 | -1): void {
  const all = links();
  const from = all.findIndex(hasFocus);
  const back = all.findIndex(({ href }) => href === latest);
  const next = all[from >= 0 ? from + by : Math.max(back, 0)];
  if (!next) return;
  next.focus();
  next.closest('tr, li')?.scrollIntoView({ block: 'nearest' });
  latest = next.href;
}
