import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { everybody, keptCount } from '../cqrs/reading/list-counts';
import { keyset, type Slice, toListRows } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { limits } from '../platform/limits';
import { TicketDeleted, TicketNoteAdded, TicketNoteWritten, TicketOpened, TicketStatusChanged } from './events';
import type { StaffTicket, StaffTicketSummary, TicketNoteDetail } from './schemas';
import { ticketNotes, tickets } from './tables';
import { type TicketStatus, ticketStatuses } from './ticket-status';
import { anyFilter, countedTickets, customerTotal, statusOf, ticketTexts, visibleEvents } from './views';

const { id, customerId, subject, status, createdAt } = tickets;

/** The query for the pages of a ticket's notes, newest first. */
export function noteListQuery(db: Database, ticket: string, { limit, after }: Slice) {
  const { id, ticketId, authorId, note, createdAt } = ticketNotes;
  return db
    .select({ id, authorId, note, createdAt })
    .from(ticketNotes)
    .where(and(eq(ticketId, ticket), after === undefined ? undefined : lt(id, after)))
    .orderBy(desc(id))
    .limit(limit);
}

// The columns are written as text, because drizzle omits the table's name, and `id` would then be the note's column.
const noteCount = sql<number>`(SELECT count(*) FROM ticket_notes WHERE ticket_id = tickets.id)`;

/** The newest notes, newest first. Their number has a limit, so that this value and the document have one too. */
const newestNotes = () => sql<string>`(
  SELECT json_group_array(json_object('id', id, 'authorId', author_id, 'note', note, 'createdAt', created_at))
  FROM (SELECT * FROM ticket_notes WHERE ticket_id = tickets.id ORDER BY id DESC LIMIT ${limits.notesInTicket}))`;

/** A ticket as agents and admins see it, with its newest notes. */
export const staffTicketView = defineView({
  name: 'staff-ticket',
  shapeVersion: 3,
  triggers: [
    when([...visibleEvents, TicketNoteAdded], (event) => [event.streamId]),
    when([TicketNoteWritten], ({ data }) => [data.ticketId]),
  ],
  query: (db, key) =>
    db
      .select({
        ...ticketTexts,
        version: tickets.version,
        updatedAt: tickets.updatedAt,
        noteCount: noteCount.as('note_count'),
        notes: newestNotes().as('notes'),
      })
      .from(tickets)
      .where(eq(id, key)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, notes, ...rest } = row;
    // The query makes this JSON from the columns of a note.
    const data = { ...rest, notes: JSON.parse(notes) as TicketNoteDetail[] } satisfies StaffTicket;
    // Notes change the document without a version of the ticket. They are only added, so their number tells them apart.
    return { version, revision: String(rest.noteCount), data };
  },
});

/** The filters of the lists for agents and admins. */
export interface StaffTicketFilter {
  status?: TicketStatus | undefined;
  /** Together with `customer` no index serves it, so the API refuses the two. */
  hasNote?: boolean | undefined;
  customer?: string | undefined;
}

/** The expression for the kept number of tickets in a list of agents and admins. */
export function staffTotal({ status: wanted, hasNote, customer }: StaffTicketFilter) {
  if (customer !== undefined) return customerTotal({ customer, status: wanted });
  const statuses = wanted === undefined ? ticketStatuses : [wanted];
  const notes = hasNote === undefined ? [true, false] : [hasNote];
  return keptCount(
    countedTickets,
    everybody,
    statuses.flatMap((one) => notes.map((note) => `${one}:${note}`)),
  );
}

/** The one query for the lists of agents and admins. Each filter has an index that ends with the id. */
export function staffTicketListQuery(db: Database, filter: StaffTicketFilter, slice: Slice) {
  const { hasNote, notePreview, preview, updatedAt } = tickets;
  const { isAfter, inOrder } = keyset(id, slice);
  return db
    .select({
      ...{ id, customerId, subject, status, preview, hasNote, notePreview, createdAt, updatedAt },
      total: staffTotal(filter).as('total'),
    })
    .from(tickets)
    .where(
      and(
        filter.status === undefined ? undefined : eq(status, filter.status),
        filter.hasNote === undefined ? undefined : eq(hasNote, filter.hasNote),
        filter.customer === undefined ? undefined : eq(customerId, filter.customer),
        isAfter,
      ),
    )
    .orderBy(inOrder)
    .limit(slice.limit);
}

/** The key of the first page of a staff list: `status:hasNote`, with `*` for a filter that is not set. */
export function staffTicketListKey({ status: wanted, hasNote }: Omit<StaffTicketFilter, 'customer'>): string {
  return `${wanted ?? anyFilter}:${hasNote ?? anyFilter}`;
}

/** The keys of the staff lists that can contain a ticket with one of these statuses. */
function staffLists(statuses: readonly TicketStatus[], noteFilters: readonly boolean[] = [true, false]): string[] {
  return [undefined, ...statuses].flatMap((wanted) =>
    [undefined, ...noteFilters].map((hasNote) => staffTicketListKey({ status: wanted, hasNote })),
  );
}

export const staffTicketListView = defineView({
  name: 'staff-ticket-list',
  shapeVersion: 3,
  triggers: [
    when([TicketOpened], () => staffLists(['open'], [false])),
    when([TicketStatusChanged], ({ data: { from, to } }) => staffLists(from === null ? ticketStatuses : [from, to])),
    when([TicketNoteAdded, TicketNoteWritten], ({ data }) => staffLists([data.status])),
    when([TicketDeleted], () => staffLists(ticketStatuses)),
  ],
  query(db, key) {
    const [wanted, note = anyFilter] = key.split(':');
    const filter = { status: statusOf(wanted), hasNote: note === anyFilter ? undefined : note === 'true' };
    return staffTicketListQuery(db, filter, { limit: limits.firstPageSize });
  },
  toDocument: (rows) => ({ version: 0, data: toListRows(rows, (row): StaffTicketSummary => row) }),
});

export const staffTicketViews = [staffTicketView, staffTicketListView];
