import { createRef } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useAddress } from '../../address';
import { api } from '../../api';
import { say, texts } from '../../language';
import { nameOf } from '../../people';
import { useShortcuts } from '../../shortcuts';
import { Refused } from './changes';
import { Composer, type Kind } from './composer';
import type { StaffTicket } from './staff-ticket';
import type { OpenTicket } from './use-ticket';

const kinds: readonly Kind[] = ['reply', 'note'];

/** The forms for a reply and for a note, of which one is shown. */
export function Write({ ticket, open }: { ticket: StaffTicket; open: OpenTicket }) {
  const { id, customerId } = ticket;
  const text = texts.value.ticket.write;
  const { query, set } = useAddress<'write'>();
  const shown: Kind = query.write === 'note' ? 'note' : 'reply';
  const { current: fields } = useRef({
    reply: createRef<HTMLTextAreaElement>(),
    note: createRef<HTMLTextAreaElement>(),
  });
  const isWanted = useRef(query.write !== undefined);
  function show(kind: Kind) {
    isWanted.current = true;
    if (kind === shown && query.write) focus();
    else set({ write: kind });
  }
  /** An address that names a form wants to write in it; a form can have the focus only when it is shown. */
  function focus() {
    if (isWanted.current) fields[shown].current?.focus();
    isWanted.current = false;
  }
  useEffect(focus, [query.write]);
  useShortcuts({ r: () => show('reply'), n: () => show('note') });
  const { refusal, note } = open;
  return (
    <section aria-labelledby="write">
      <h2 id="write">{text.title}</h2>
      <div class="kinds">
        {kinds.map((kind) => (
          <button
            key={kind}
            type="button"
            class={kind}
            aria-expanded={kind === shown}
            aria-controls={`write-${kind}`}
            aria-keyshortcuts={kind[0]}
            onClick={() => show(kind)}
          >
            {text[kind].tab}
          </button>
        ))}
      </div>
      {refusal.value?.of === 'reply' && (
        <Refused before={refusal.value.before} after={ticket} onNoted={note}>
          {text.reply.refused}
        </Refused>
      )}
      <Composer
        kind="reply"
        ticketId={id}
        label={say(text.reply.label, { name: nameOf(customerId).value ?? '…' })}
        isShown={shown === 'reply'}
        field={fields.reply}
        send={(message, headers) =>
          open.reply(() => api().tickets[':id'].replies.$post({ param: { id }, json: { message } }, { headers }))
        }
      />
      <Composer
        kind="note"
        ticketId={id}
        label={text.note.label}
        isShown={shown === 'note'}
        field={fields.note}
        send={async (words, headers) => {
          await api().tickets[':id'].notes.$post({ param: { id }, json: { note: words } }, { headers });
          return true;
        }}
      />
    </section>
  );
}
