import { type ComponentChildren, createRef } from 'preact';
import { useRef } from 'preact/hooks';
import type { Action } from '../act';
import { texts } from '../language';
import { ProblemNotice } from './problem';

/** A button for what cannot be undone: a dialog says what it will do, and asks once. */
export function ConfirmedButton({
  label,
  title,
  children,
  action,
}: {
  label: string;
  /** The question, such as "Cancel order 1001?" */
  title: string;
  /** What it will do. */
  children: ComponentChildren;
  action: Action<[]>;
}) {
  const { current: dialog } = useRef(createRef<HTMLDialogElement>());
  function ask() {
    // Why an earlier try failed says nothing about the next one.
    action.error.value = undefined;
    dialog.current?.showModal();
  }
  async function confirm() {
    if (await action.run()) dialog.current?.close();
  }
  return (
    <>
      <button type="button" onClick={ask}>
        {label}
      </button>
      <dialog ref={dialog} aria-label={title}>
        <h2>{title}</h2>
        {children}
        <ProblemNotice error={action.error.value} />
        <p class="buttons">
          <button type="button" class="danger" disabled={action.isRunning.value} onClick={() => void confirm()}>
            {label}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            {texts.value.dialog.cancel}
          </button>
        </p>
      </dialog>
    </>
  );
}
