import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { isWanted, limitOf } from '../cqrs/reading/keyed-query';
import { type CountedList, everybody, keptCount } from '../cqrs/reading/list-counts';
import { defineListView, everybodyKey, firstPages } from '../cqrs/reading/list-view';
import { mergeCells } from '../cqrs/reading/merge-cells';
import { activityKeyset, keyset, type Slice } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { TicketAssigned, TicketNoteAdded, TicketNoteWritten, TicketReplied } from './events';
import { newestReplies, replyCount } from './reply-views';
import type { StaffReply, StaffTicket, StaffTicketSummary, TicketNoteDetail } from './schemas';
import { ticketNotes, tickets } from './tables';
import { type TicketStatus, ticketStatuses } from './ticket-status';
import { countedTickets, customerTotal, statusesOf, ticketTexts, visibleEvents } from './views';

const { id, customerId, subject, status, createdAt } = tickets;

/** The query for the pages of a ticket's notes, newest first. */
export function noteListQuery(db: Database, ticket: string, slice: Slice) {
  const { id, ticketId, authorId, note, createdAt } = ticketNotes;
  const { isAfter, inOrder } = keyset(id, slice);
  return db
    .select({ id, authorId, note, createdAt })
    .from(ticketNotes)
    .where(and(eq(ticketId, ticket), isAfter))
    .orderBy(...inOrder)
    .limit(slice.limit);
}

// The columns are written as text, because drizzle omits the table's name, and `id` would then be the note's column.
const noteCount = sql<number>`(SELECT count(*) FROM ticket_notes WHERE ticket_id = tickets.id)`;

/** The newest notes, newest first. Their number has a limit, so that this value and the document have one too. */
const newestNotes = sql<string>`(
  SELECT json_group_array(json_object('id', id, 'authorId', author_id, 'note', note, 'createdAt', created_at))
  FROM (SELECT * FROM ticket_notes WHERE ticket_id = tickets.id ORDER BY id DESC LIMIT ${limitOf('notesInTicket')}))`;

/** A ticket as agents and admins see it, with its newest replies and notes. */
export const staffTicketView = defineView({
  name: 'staff-ticket',
  shapeVersion: 4,
  triggers: [
    when([...visibleEvents, TicketNoteAdded, TicketAssigned], (event) => [event.streamId]),
    when([TicketNoteWritten, TicketReplied], ({ data }) => [data.ticketId]),
  ],
  query: (db) =>
    db
      .select({
        ...ticketTexts,
        version: tickets.version,
        updatedAt: tickets.updatedAt,
        assigneeId: tickets.assigneeId,
        replyCount: replyCount.as('reply_count'),
        replies: newestReplies.as('replies'),
        noteCount: noteCount.as('note_count'),
        notes: newestNotes.as('notes'),
      })
      .from(tickets)
      .where(isWanted(id)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, notes, replies, ...rest } = row;
    // The query makes this JSON from the columns of notes and replies.
    const texts = { notes: JSON.parse(notes) as TicketNoteDetail[], replies: JSON.parse(replies) as StaffReply[] };
    // Both change the document without a version of the ticket. They are only added, so their numbers tell them apart.
    const revision = [rest.noteCount, ...(rest.replyCount === 0 ? [] : [rest.replyCount])].join('.');
    return { version, revision, data: { ...rest, ...texts } satisfies StaffTicket };
  },
});

/** The filters of the lists for agents and admins. */
export interface StaffTicketFilter {
  status?: TicketStatus | undefined;
  /** Together with `customer` no index serves it, so the API refuses the two. */
  hasNote?: boolean | undefined;
  customer?: string | undefined;
  /** Who works on the tickets, or null for nobody. Together with `hasNote` or `customer` no index serves it. */
  assignee?: string | null | undefined;
}

/** How many tickets each agent or admin works on. */
export const countedAssignments: CountedList = {
  name: 'assignments',
  table: tickets,
  filter: sql`${status}`,
  where: sql`${tickets.assigneeId} IS NOT NULL`,
  owned: { owner: tickets.assigneeId, filter: sql`${status}` },
};

/** The name of a cell: `status:hasNote`. */
const cellOf = (row: { status: TicketStatus; hasNote: boolean }) => `${row.status}:${row.hasNote}`;

/** The cells of a list of agents and admins. */
export function staffTicketCells(filter: Pick<StaffTicketFilter, 'status' | 'hasNote'>): string[] {
  return statusesOf(filter.status).flatMap((one) =>
    notesOf(filter.hasNote).map((note) => cellOf({ status: one, hasNote: note })),
  );
}

const notesOf = (wanted: boolean | undefined) => (wanted === undefined ? [true, false] : [wanted]);

/** The expression for the kept number of tickets in a list of agents and admins. */
export function staffTotal({ customer, assignee, ...filter }: StaffTicketFilter) {
  if (customer !== undefined) return customerTotal({ customer, status: filter.status });
  const all = keptCount(countedTickets, everybody, staffTicketCells(filter));
  if (assignee === undefined) return all;
  const assigned = keptCount(countedAssignments, assignee ?? everybody, statusesOf(filter.status));
  return assignee === null ? sql<number>`(${all} - ${assigned})` : assigned;
}

const { assigneeId, hasNote, lastSpeaker, notePreview, preview, updatedAt } = tickets;
const summary = {
  ...{ id, customerId, subject, status, preview, hasNote, notePreview, createdAt, updatedAt },
  ...{ lastSpeaker, assigneeId },
};

/** The conditions of a filter. An index that begins with the columns of each ends with those of the sort. */
function cellsOf(filter: StaffTicketFilter, isByActivity: boolean): (SQL | undefined)[] {
  const { assignee } = filter;
  if (assignee !== undefined) {
    const isTheirs = assignee === null ? isNull(assigneeId) : eq(assigneeId, assignee);
    return statusesOf(filter.status).map((one) => and(isTheirs, eq(status, one)));
  }
  if (isByActivity) {
    return statusesOf(filter.status).flatMap((one) =>
      notesOf(filter.hasNote).map((note) => and(eq(status, one), eq(hasNote, note))),
    );
  }
  const isInList = and(
    filter.status === undefined ? undefined : eq(status, filter.status),
    filter.hasNote === undefined ? undefined : eq(hasNote, filter.hasNote),
    filter.customer === undefined ? undefined : eq(customerId, filter.customer),
  );
  return [isInList];
}

/** The query for the pages that no document has. */
export function staffTicketListQuery(db: Database, filter: StaffTicketFilter, slice: Slice) {
  const rows = { ...summary, total: staffTotal(filter).as('total') };
  const select = (where: SQL | undefined) => db.select(rows).from(tickets).where(where).$dynamic();
  const isByActivity = slice.sort === 'updated';
  const order = isByActivity ? activityKeyset(updatedAt, id, slice) : keyset(id, slice);
  return mergeCells(db, select, cellsOf(filter, isByActivity), order, slice.limit);
}

const pages = firstPages({
  counted: countedTickets,
  id,
  updatedAt,
  columns: [status, hasNote],
  cells: ticketStatuses.flatMap((one) => [0, 1].map((note) => [one, note])),
  documents: ['everybody'],
});

/**
 * The lists of agents and admins. The tickets of one customer, and those on which one agent works, have no document, which every
 * change would have to put.
 */
export const staffTicketListView = defineListView({
  name: 'staff-ticket-lists',
  shapeVersion: 2,
  triggers: [
    when([...visibleEvents, TicketNoteAdded, TicketNoteWritten, TicketReplied, TicketAssigned], () => [everybodyKey]),
  ],
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
