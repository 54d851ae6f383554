import type { ComponentChildren } from 'preact';
import { texts } from '../language';
import { moveRow } from '../rows';
import { useShortcuts } from '../shortcuts';
import { ShortcutHelp } from './shortcut-help';

/** The heading of a screen with a list, in which keys move from row to row, and the help for them. */
export function ListTitle({
  children,
  keys = [],
}: {
  children: ComponentChildren;
  /** Other keys of the screen. */
  keys?: readonly (readonly [key: string, does: string])[];
}) {
  const text = texts.value.keyboard;
  useShortcuts({ j: () => moveRow(1), k: () => moveRow(-1) });
  return (
    <div class="title">
      <h1>{children}</h1>
      <ShortcutHelp keys={[['j', text.next], ['k', text.previous], ['Enter', text.open], ...keys]} />
    </div>
  );
}
