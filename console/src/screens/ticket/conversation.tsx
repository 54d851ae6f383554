import { useMemo } from 'preact/hooks';
import { useAction } from '../../act';
import { api } from '../../api';
import { format, sayCount, texts } from '../../language';
import { PersonName } from '../../parts/person-name';
import { ProblemNotice } from '../../parts/problem';
import type { StaffReply, StaffTicket, TicketNote } from './staff-ticket';

/** The replies or the notes of a ticket that have been read, and how to read older ones. */
class Entries<Entry extends { id: string; createdAt: string }> {
  readonly all = new Map<string, Entry>();
  #cursor: string | undefined;

  constructor(
    private readonly send: (cursor: string | undefined) => Promise<{ data: Entry[]; nextCursor: string | null }>,
  ) {}

  add(entries: readonly Entry[]): void {
    for (const entry of entries) this.all.set(entry.id, entry);
  }

  /** The time of the oldest one, if there are older ones that have not been read. */
  oldest(count: number): string {
    if (this.all.size >= count) return '';
    return [...this.all.values()].map(({ createdAt }) => createdAt).sort()[0] ?? '';
  }

  /** Reads older ones. The first page can have those only that are known already. */
  async more(): Promise<void> {
    const { size } = this.all;
    do {
      const { data, nextCursor } = await this.send(this.#cursor);
      this.add(data);
      this.#cursor = nextCursor ?? undefined;
    } while (this.all.size === size && this.#cursor !== undefined);
  }
}

function useEntries({ id, replies, notes, replyCount, noteCount }: StaffTicket) {
  const read = useMemo(
    () => ({
      replies: new Entries<StaffReply>(async (cursor) => {
        const { data, ...page } = await (
          await api().tickets[':id'].replies.$get({ param: { id }, query: { cursor } })
        ).json();
        // Agents and admins get replies with their authors.
        return { data: data as StaffReply[], ...page };
      }),
      notes: new Entries<TicketNote>(async (cursor) =>
        (await api().tickets[':id'].notes.$get({ param: { id }, query: { cursor } })).json(),
      ),
    }),
    [id],
  );
  // Those that were read stay when newer ones take their place in the document.
  read.replies.add(replies);
  read.notes.add(notes);
  const [reply, note] = [read.replies.oldest(replyCount), read.notes.oldest(noteCount)];
  // What is older than this is not shown yet, because something between could be missing.
  const since = reply > note ? reply : note;
  const shown = [...read.replies.all.values(), ...read.notes.all.values()]
    .filter(({ createdAt }) => createdAt >= since)
    .sort((one, other) => (one.createdAt < other.createdAt ? -1 : 1));
  return {
    shown,
    older: Math.max(0, replyCount + noteCount - shown.length),
    more: () => (reply > note ? read.replies : read.notes).more(),
  };
}

function Entry({
  kind,
  authorId,
  time,
  text,
}: {
  kind: 'customer' | 'staff' | 'note';
  authorId: string;
  time: string;
  text: string;
}) {
  const { conversation } = texts.value.ticket;
  return (
    <li class={`entry ${kind}`}>
      <p class="by">
        {kind === 'note' && (
          <strong class="badge">
            {conversation.note} <span class="quiet">({conversation.hidden})</span>
          </strong>
        )}
        <strong>
          <PersonName id={authorId} />
        </strong>{' '}
        {kind !== 'note' && <span class="quiet">{conversation[kind]}</span>}
        <time class="quiet" dateTime={time}>
          {format.value.time(time)}
        </time>
      </p>
      <p class="text">{text}</p>
    </li>
  );
}

/** The message, the replies and the notes in their order. */
export function Conversation({ ticket }: { ticket: StaffTicket }) {
  const { shown, older, more } = useEntries(ticket);
  const next = useAction(more);
  const text = texts.value.ticket.conversation;
  return (
    <section aria-labelledby="conversation">
      <h2 id="conversation">{text.title}</h2>
      <ol class="entries">
        <Entry kind="customer" authorId={ticket.customerId} time={ticket.createdAt} text={ticket.message} />
        {older > 0 && (
          <li>
            <button type="button" disabled={next.isRunning.value} onClick={() => void next.run()}>
              {sayCount(text.older, older)}
            </button>
            <ProblemNotice error={next.error.value} />
          </li>
        )}
        {shown.map((entry) => (
          <Entry
            key={entry.id}
            kind={'by' in entry ? entry.by : 'note'}
            authorId={entry.authorId}
            time={entry.createdAt}
            text={'by' in entry ? entry.message : entry.note}
          />
        ))}
      </ol>
    </section>
  );
}
