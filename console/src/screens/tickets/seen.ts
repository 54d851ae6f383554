import { signal } from '@preact/signals';
import { time } from '../../clock';
import { person } from '../../session';

/** What a person has seen: of each ticket the time of its newest activity. */
interface Seen {
  /** All activity until then counts as seen: it was before the first visit, or is forgotten here. */
  since: string;
  tickets: Record<string, string>;
}

/** How many tickets are remembered. */
const most = 500;

/** Moves when this tab or another one has remembered something. */
const changes = signal(0);
addEventListener('storage', () => changes.value++);

const keyOf = () => `frontdesk.seen-tickets.${person.value.id}`;

function write(seen: Seen): Seen {
  localStorage.setItem(keyOf(), JSON.stringify(seen));
  return seen;
}

function read(): Seen {
  const stored = localStorage.getItem(keyOf());
  return stored === null ? write({ since: new Date(time()).toISOString(), tickets: {} }) : JSON.parse(stored);
}

/** Tells which tickets have activity that the person has not seen. */
export function readUnread(): (ticket: { id: string; updatedAt: string }) => boolean {
  void changes.value;
  const { since, tickets } = read();
  return ({ id, updatedAt }) => updatedAt > (tickets[id] ?? since);
}

/** Remembers that the person has seen a ticket with its activity until then. */
export function markSeen(id: string, updatedAt: string): void {
  const { since, tickets } = read();
  if (updatedAt <= (tickets[id] ?? since)) return;
  const newestFirst = Object.entries({ ...tickets, [id]: updatedAt }).sort(([, one], [, other]) =>
    one < other ? 1 : -1,
  );
  const forgotten = newestFirst[most]?.[1] ?? since;
  write({ since: forgotten > since ? forgotten : since, tickets: Object.fromEntries(newestFirst.slice(0, most)) });
  changes.value++;
}
