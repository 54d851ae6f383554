import { createRef } from 'preact';
import { useRef } from 'preact/hooks';
import { texts } from '../language';
import { areShortcutsOn, switchShortcuts, useShortcuts } from '../shortcuts';

/** A button, and the key `?`, for the dialog that lists the keys of a screen. */
export function ShortcutHelp({ keys }: { keys: readonly (readonly [key: string, does: string])[] }) {
  const { current: dialog } = useRef(createRef<HTMLDialogElement>());
  const open = () => dialog.current?.showModal();
  useShortcuts({ '?': open });
  const text = texts.value.keyboard;
  return (
    <>
      <button type="button" class="plain help" onClick={open} aria-keyshortcuts="?">
        {text.title} <kbd>?</kbd>
      </button>
      <dialog ref={dialog} aria-label={text.title}>
        <h2>{text.title}</h2>
        <dl class="keys">
          {[...keys, ['?', text.help] as const].map(([key, does]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <label class="check">
          <input
            type="checkbox"
            checked={areShortcutsOn.value}
            onChange={({ currentTarget }) => switchShortcuts(currentTarget.checked)}
          />{' '}
          {text.use}
        </label>
        <p class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            {texts.value.dialog.close}
          </button>
        </p>
      </dialog>
    </>
  );
}
