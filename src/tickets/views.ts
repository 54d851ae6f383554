import { and, desc, eq, lt, sql } from 'drizzle-orm';
import type { AccountCount } from '../access/account-parts';
import { type CountedList, everybody, keptCount } from '../cqrs/reading/list-counts';
import { keyset, type Slice, toListRows } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { limits } from '../platform/limits';
import { TicketDeleted, TicketNoteAdded, TicketNoteWritten, TicketOpened, TicketStatusChanged } from './events';
import type { StaffTicket, StaffTicketSummary, TicketDetail, TicketNoteDetail, TicketSummary } from './schemas';
import { ticketNotes, tickets } from './tables';
import { type TicketStatus, ticketStatuses } from './ticket-status';

/** The events whose effects a customer may see. Those of notes are not among them. */
const visibleEvents = [TicketOpened, TicketStatusChanged, TicketDeleted];

const { id, customerId, orderId, subject, message, status, createdAt } = tickets;
const texts = { id, customerId, orderId, subject, message, status, createdAt };

/** A ticket as its customer sees it; a note changes neither its version nor its time. */
export const ticketView = defineView({
  name: 'ticket',
  shapeVersion: 1,
  triggers: [when(visibleEvents, (event) => [event.streamId])],
  query: (db, key) =>
    db
      .select({ ...texts, version: tickets.customerVersion, updatedAt: tickets.customerUpdatedAt })
      .from(tickets)
      .where(eq(id, key)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, ...data } = row;
    return { version, data: data satisfies TicketDetail };
  },
});

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
        ...texts,
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

export const countedTickets: CountedList = {
  name: 'tickets',
  table: tickets,
  filter: sql`${status} || ':' || iif(${tickets.hasNote}, 'true', 'false')`,
  // Which tickets have notes is not for a customer to know.
  owned: { owner: customerId, filter: sql`${status}` },
};

/** The filter of a list of one customer's tickets. */
interface CustomerFilter {
  customer: string;
  status: TicketStatus | undefined;
}

function customerTotal({ customer, status: wanted }: CustomerFilter) {
  return keptCount(countedTickets, customer, wanted && [wanted]);
}

/** The one query for a customer's lists. */
export function ticketListQuery(db: Database, filter: CustomerFilter, slice: Slice) {
  const { isAfter, inOrder } = keyset(id, slice);
  return db
    .select({
      ...{ id, subject, status, preview: tickets.preview, createdAt, updatedAt: tickets.customerUpdatedAt },
      total: customerTotal(filter).as('total'),
    })
    .from(tickets)
    .where(
      and(
        eq(customerId, filter.customer),
        filter.status === undefined ? undefined : eq(status, filter.status),
        isAfter,
      ),
    )
    .orderBy(inOrder)
    .limit(slice.limit);
}

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

const any = '*';
const statusOf = (text: string | undefined) => ticketStatuses.find((known) => known === text);

/** The key of the first page of a customer's list: `customer:status`, with `*` for every status. */
export function ticketListKey(filter: CustomerFilter): string {
  return `${filter.customer}:${filter.status ?? any}`;
}

/** The key of the first page of a staff list: `status:hasNote`, with `*` for a filter that is not set. */
export function staffTicketListKey({ status: wanted, hasNote }: Omit<StaffTicketFilter, 'customer'>): string {
  return `${wanted ?? any}:${hasNote ?? any}`;
}

/** The keys of the customer's lists that can contain a ticket with one of these statuses. */
function ownLists(customer: string, statuses: readonly TicketStatus[]): string[] {
  return [undefined, ...statuses].map((wanted) => ticketListKey({ customer, status: wanted }));
}

export const ticketListView = defineView({
  name: 'ticket-list',
  shapeVersion: 2,
  triggers: [
    when([TicketOpened], ({ data }) => ownLists(data.customerId, ['open'])),
    when([TicketStatusChanged], ({ data: { customerId: customer, from, to } }) =>
      ownLists(customer, from === null ? ticketStatuses : [from, to]),
    ),
    when([TicketDeleted], ({ data }) => ownLists(data.customerId, ticketStatuses)),
  ],
  query(db, key) {
    const [customer = '', wanted] = key.split(':');
    return ticketListQuery(db, { customer, status: statusOf(wanted) }, { limit: limits.firstPageSize });
  },
  toDocument: (rows) => ({ version: 0, data: toListRows(rows, (row): TicketSummary => row) }),
});

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
    const [wanted, note = any] = key.split(':');
    const filter = { status: statusOf(wanted), hasNote: note === any ? undefined : note === 'true' };
    return staffTicketListQuery(db, filter, { limit: limits.firstPageSize });
  },
  toDocument: (rows) => ({ version: 0, data: toListRows(rows, (row): StaffTicketSummary => row) }),
});

/** How many open tickets an account has. */
export const openTicketCount: AccountCount = {
  count: keptCount(countedTickets, sql`users.id`, ['open']),
  triggers: [
    when([TicketOpened], ({ data }) => [data.customerId]),
    when([TicketStatusChanged], ({ data: { customerId: customer, from, to } }) =>
      from === null || from === 'open' || to === 'open' ? [customer] : [],
    ),
  ],
};

export const ticketViews = [ticketView, staffTicketView, ticketListView, staffTicketListView];
