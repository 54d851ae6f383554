import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { isWanted, limitOf } from '../cqrs/reading/keyed-query';
import { everybody, keptCount } from '../cqrs/reading/list-counts';
import { defineListView, everybodyKey, firstPages } from '../cqrs/reading/list-view';
import { keyset, type Slice } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { TicketNoteAdded, TicketNoteWritten } from './events';
import type { StaffTicket, StaffTicketSummary, TicketNoteDetail } from './schemas';
import { ticketNotes, tickets } from './tables';
import { type TicketStatus, ticketStatuses } from './ticket-status';
import { countedTickets, customerTotal, ticketTexts, visibleEvents } from './views';

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
const newestNotes = sql<string>`(
  SELECT json_group_array(json_object('id', id, 'authorId', author_id, 'note', note, 'createdAt', created_at))
  FROM (SELECT * FROM ticket_notes WHERE ticket_id = tickets.id ORDER BY id DESC LIMIT ${limitOf('notesInTicket')}))`;

/** A ticket as agents and admins see it, with its newest notes. */
export const staffTicketView = defineView({
  name: 'staff-ticket',
  shapeVersion: 3,
  triggers: [
    when([...visibleEvents, TicketNoteAdded], (event) => [event.streamId]),
    when([TicketNoteWritten], ({ data }) => [data.ticketId]),
  ],
  query: (db) =>
    db
      .select({
        ...ticketTexts,
        version: tickets.version,
        updatedAt: tickets.updatedAt,
        noteCount: noteCount.as('note_count'),
        notes: newestNotes.as('notes'),
      })
      .from(tickets)
      .where(isWanted(id)),
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

/** The name of a cell: `status:hasNote`. */
const cellOf = (row: { status: TicketStatus; hasNote: boolean }) => `${row.status}:${row.hasNote}`;

/** The cells of a list of agents and admins. */
export function staffTicketCells({ status: wanted, hasNote }: Omit<StaffTicketFilter, 'customer'>): string[] {
  const statuses = wanted === undefined ? ticketStatuses : [wanted];
  const notes = hasNote === undefined ? [true, false] : [hasNote];
  return statuses.flatMap((one) => notes.map((note) => cellOf({ status: one, hasNote: note })));
}

/** The expression for the kept number of tickets in a list of agents and admins. */
export function staffTotal({ customer, ...filter }: StaffTicketFilter) {
  if (customer !== undefined) return customerTotal({ customer, status: filter.status });
  return keptCount(countedTickets, everybody, staffTicketCells(filter));
}

const { hasNote, notePreview, preview, updatedAt } = tickets;
const summary = { id, customerId, subject, status, preview, hasNote, notePreview, createdAt, updatedAt };

/** The query for the pages that no document has. Each filter has an index that ends with the id. */
export function staffTicketListQuery(db: Database, filter: StaffTicketFilter, slice: Slice) {
  const { isAfter, inOrder } = keyset(id, slice);
  return db
    .select({ ...summary, total: staffTotal(filter).as('total') })
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

const pages = firstPages({
  counted: countedTickets,
  id,
  columns: [status, hasNote],
  cells: ticketStatuses.flatMap((one) => [0, 1].map((note) => [one, note])),
  documents: ['everybody'],
});

/** The lists of agents and admins. The tickets of one customer have no document, which every change would have to put. */
export const staffTicketListView = defineListView({
  name: 'staff-ticket-lists',
  shapeVersion: 1,
  triggers: [when([...visibleEvents, TicketNoteAdded, TicketNoteWritten], () => [everybodyKey])],
  query: (db) =>
    db
      .select({ ...pages.columns, ...summary })
      .from(pages.from)
      .crossJoin(tickets)
      .where(pages.where),
  toRow: (row): StaffTicketSummary => row,
  cellOf: ({ status, hasNote }) => cellOf({ status, hasNote }),
});

export const staffTicketViews = [staffTicketView, staffTicketListView];
