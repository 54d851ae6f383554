import { createRef } from 'preact';
import { useRef } from 'preact/hooks';
import { texts as shared, textsOf } from '../language';
import { areShortcutsOn, switchShortcuts, useShortcuts } from '../shortcuts';

const english = { title: 'Keyboard', help: 'This help', use: 'Use these keys in this browser' };
const texts = textsOf<typeof english>({
  english,
  german: { title: 'Tastatur', help: 'Diese Hilfe', use: 'Diese Tasten in diesem Browser verwenden' },
});

/** A button, and the key `?`, for the dialog that lists the keys of a screen. */
export function ShortcutHelp({ keys }: { keys: readonly (readonly [key: string, does: string])[] }) {
  const { current: dialog } = useRef(createRef<HTMLDialogElement>());
  const open = () => dialog.current?.showModal();
  useShortcuts({ '?': open });
  const text = texts.value;
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
            {shared.value.dialog.close}
          </button>
        </p>
      </dialog>
    </>
  );
}
