import { signal } from '@preact/signals';

/** By how many milliseconds the clock of the API is ahead of that of the browser. */
let ahead = 0;

/** The time in milliseconds by the clock of the API, because that of a browser can be wrong by minutes. */
export const time = () => Date.now() + ahead;

/** The time in milliseconds by the clock of the API, as a signal that moves once a second while the page is visible. */
export const now = signal(time());

/** @param date the header `Date` of an answer that came just now, and from no cache */
export function setClock(date: string | null): void {
  if (date === null) return;
  const difference = Date.parse(date) - Date.now();
  // The header has no fractions of a second, and the answer was on its way for a while.
  ahead = Math.abs(difference) < 5_000 ? 0 : difference;
  now.value = time();
}

/** Whether somebody can see the page. */
export const isVisible = signal(document.visibilityState === 'visible');
/** Whether the browser has a network. */
export const isOnline = signal(navigator.onLine);

setInterval(() => {
  if (isVisible.value) now.value = time();
}, 1000);
document.addEventListener('visibilitychange', () => {
  isVisible.value = document.visibilityState === 'visible';
  now.value = time();
});
for (const type of ['online', 'offline']) {
  addEventListener(type, () => {
    isOnline.value = navigator.onLine;
  });
}
