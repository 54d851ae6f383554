import type { RefObject } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { useAction } from '../../act';
import { useDraft } from '../../drafts';
import { texts } from '../../language';
import { ProblemNotice } from '../../parts/problem';

/** What can be written on a ticket. Nothing of the one kind can become the other: text, draft, form and key are its own. */
export type Kind = 'reply' | 'note';

/** The form for a reply or a note, with its draft. */
export function Composer({
  kind,
  ticketId,
  label,
  isShown,
  field,
  send,
}: {
  kind: Kind;
  ticketId: string;
  label: string;
  isShown: boolean;
  field: RefObject<HTMLTextAreaElement | null>;
  /** Sends the text; resolves to whether it was sent. */
  send: (text: string, headers: Record<string, string>) => Promise<boolean>;
}) {
  const text = texts.value.ticket.write[kind];
  const id = useId();
  const draft = useDraft(`${kind}.${ticketId}`);
  /** A text that is sent again after a lost answer is the same command, and has no second effect. */
  const sent = useRef({ text: '', key: '' });
  const isDone = useRef(false);
  const { isRunning, error, run } = useAction(async () => {
    const typed = draft.value;
    if (sent.current.text !== typed) sent.current = { text: typed, key: crypto.randomUUID() };
    if (!(await send(typed, { 'Idempotency-Key': sent.current.key }))) return;
    sent.current = { text: '', key: '' };
    isDone.current = true;
    if (draft.value === typed) draft.value = '';
    field.current?.focus();
  });
  return (
    <form
      id={`write-${kind}`}
      class={`composer ${kind}`}
      hidden={!isShown}
      onSubmit={(event) => {
        event.preventDefault();
        if (draft.value.trim() !== '') void run();
      }}
    >
      <label for={id}>{label}</label>
      <p class="hint" id={`${id}-hint`}>
        {text.hint}
      </p>
      <textarea
        id={id}
        ref={field}
        rows={6}
        required
        maxLength={20_000}
        aria-describedby={`${id}-hint`}
        value={draft}
        onInput={({ currentTarget }) => {
          isDone.current = false;
          draft.value = currentTarget.value;
        }}
      />
      <ProblemNotice error={error.value} />
      <p class="buttons">
        <button type="submit" disabled={isRunning.value}>
          {text.send}
        </button>
        <span role="status">{isDone.current && draft.value === '' && text.done}</span>
      </p>
    </form>
  );
}
