import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

const stored = 'frontdesk.no-shortcuts';

/** Whether single keys do something. People who speak to their computer, or whose hands tremble, switch them off (WCAG 2.1.4). */
export const areShortcutsOn = signal(localStorage.getItem(stored) === null);

/** Switches the shortcuts on or off in this browser. */
export function switchShortcuts(on: boolean): void {
  areShortcutsOn.value = on;
  if (on) localStorage.removeItem(stored);
  else localStorage.setItem(stored, 'off');
}

/** Keys that are no shortcut: somebody types, or a dialog is open. */
function isTaken({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || document.querySelector('dialog[open]')) return true;
  return target instanceof Element && target.closest('input, select, textarea, [contenteditable]') !== null;
}

/** Runs what belongs to a key (`KeyboardEvent.key`) while the component is shown, and nobody types. */
export function useShortcuts(actions: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const action = isTaken(event) || !areShortcutsOn.value ? undefined : actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  });
}
