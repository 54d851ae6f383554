import { say, texts } from '../../language';
import { nameOf } from '../../people';
import { person } from '../../session';
import type { StaffTicket } from './staff-ticket';

/** What others changed in a ticket, each with a key and in words. */
export function changesBetween(before: StaffTicket, after: StaffTicket): { key: string; words: string }[] {
  const { changes: text } = texts.value.ticket;
  const { status } = texts.value.tickets;
  const name = (id: string) => nameOf(id).value ?? '…';
  /** Entries stand newest first, so those that came since stand before the first known one. */
  function isNew<Entry extends { id: string; authorId: string }>(known: readonly Entry[], entries: readonly Entry[]) {
    const at = entries.findIndex(({ id }) => known.some((one) => one.id === id));
    return entries.slice(0, at < 0 ? undefined : at).filter(({ authorId }) => authorId !== person.value.id);
  }
  const all: { key: string; words: string }[] = [];
  for (const { id, by, authorId } of isNew(before.replies, after.replies)) {
    all.push({
      key: id,
      words: say(by === 'customer' ? text.customerReplied : text.staffReplied, { name: name(authorId) }),
    });
  }
  for (const { id, authorId } of isNew(before.notes, after.notes)) {
    all.push({ key: id, words: say(text.hasNote, { name: name(authorId) }) });
  }
  if (before.status !== after.status) {
    all.push({ key: 'status', words: say(text.status, { from: status[before.status], to: status[after.status] }) });
  }
  if (before.assigneeId !== after.assigneeId) {
    const { assigneeId } = after;
    all.push({ key: 'assignee', words: assigneeId ? say(text.assigned, { name: name(assigneeId) }) : text.released });
  }
  return all;
}

/** Lists what others changed. */
function Changes({ before, after }: { before: StaffTicket; after: StaffTicket }) {
  const changes = changesBetween(before, after);
  // The answer that refused may come before the changed ticket can be read.
  if (changes.length === 0) return <p class="quiet">{texts.value.meanwhile.reading}</p>;
  return (
    <ul>
      {changes.map(({ key, words }) => (
        <li key={key}>{words}</li>
      ))}
    </ul>
  );
}

interface TicketsProps {
  before: StaffTicket;
  after: StaffTicket;
  onNoted: () => void;
}

function NotedButton({ onNoted }: Pick<TicketsProps, 'onNoted'>) {
  return (
    <button type="button" onClick={onNoted}>
      {texts.value.meanwhile.noted}
    </button>
  );
}

/** Says that something was not done, and what others changed. */
export function Refused({ children, onNoted, ...tickets }: TicketsProps & { children: string }) {
  return (
    <div class="refused">
      <div role="alert">
        <p>
          <strong>{children}</strong>
        </p>
        <Changes {...tickets} />
      </div>
      <NotedButton onNoted={onNoted} />
    </div>
  );
}

/** Announces what others have done to the ticket while it is on the screen, until the person has noted it. */
export function News({ onNoted, ...tickets }: TicketsProps) {
  const hasNews = changesBetween(tickets.before, tickets.after).length > 0;
  return (
    <div class={hasNews ? 'news' : undefined}>
      <div role="status">
        {hasNews && (
          <>
            <p>
              <strong>{texts.value.ticket.changes.title}</strong>
            </p>
            <Changes {...tickets} />
          </>
        )}
      </div>
      {hasNews && <NotedButton onNoted={onNoted} />}
    </div>
  );
}
