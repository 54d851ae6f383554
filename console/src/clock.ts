import { signal } from '@preact/signals';

/** The time in milliseconds, which moves once a second while the page is visible. */
export const now = signal(Date.now());

/** Whether somebody can see the page. */
export const isVisible = signal(document.visibilityState === 'visible');
/** Whether the browser has a network. */
export const isOnline = signal(navigator.onLine);

setInterval(() => {
  if (isVisible.value) now.value = Date.now();
}, 1000);
document.addEventListener('visibilitychange', () => {
  isVisible.value = document.visibilityState === 'visible';
  now.value = Date.now();
});
for (const type of ['online', 'offline']) {
  addEventListener(type, () => {
    isOnline.value = navigator.onLine;
  });
}
