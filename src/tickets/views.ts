import { and, eq, sql } from 'drizzle-orm';
import type { AccountCount } from '../access/account-parts';
import { isWanted } from '../cqrs/reading/keyed-query';
import { type CountedList, keptCount } from '../cqrs/reading/list-counts';
import { defineListView, firstPages } from '../cqrs/reading/list-view';
import { keyset, type Slice } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { TicketDeleted, TicketOpened, TicketStatusChanged } from './events';
import type { TicketDetail, TicketSummary } from './schemas';
import { tickets } from './tables';
import { type TicketStatus, ticketStatuses } from './ticket-status';

/** The events whose effects a customer may see. Those of notes are not among them. */
export const visibleEvents = [TicketOpened, TicketStatusChanged, TicketDeleted];

const { id, customerId, orderId, subject, message, status, createdAt } = tickets;
/** The columns that every form of a ticket has. */
export const ticketTexts = { id, customerId, orderId, subject, message, status, createdAt };

/** A ticket as its customer sees it; a note changes neither its version nor its time. */
export const ticketView = defineView({
  name: 'ticket',
  shapeVersion: 1,
  triggers: [when(visibleEvents, (event) => [event.streamId])],
  query: (db) =>
    db
      .select({ ...ticketTexts, version: tickets.customerVersion, updatedAt: tickets.customerUpdatedAt })
      .from(tickets)
      .where(isWanted(id)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, ...data } = row;
    return { version, data: data satisfies TicketDetail };
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

/** The cells of a customer's list; undefined for all of them. */
export function ticketCells({ status: wanted }: Pick<CustomerFilter, 'status'>): TicketStatus[] | undefined {
  return wanted && [wanted];
}

/** The expression for the kept number of a customer's tickets. */
export function customerTotal({ customer, ...filter }: CustomerFilter) {
  return keptCount(countedTickets, customer, ticketCells(filter));
}

const summary = { id, subject, status, preview: tickets.preview, createdAt, updatedAt: tickets.customerUpdatedAt };

/** The query for the pages of a customer's list that no document has. */
export function ticketListQuery(db: Database, filter: CustomerFilter, slice: Slice) {
  const { isAfter, inOrder } = keyset(id, slice);
  return db
    .select({ ...summary, total: customerTotal(filter).as('total') })
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

const pages = firstPages({
  counted: countedTickets,
  id,
  columns: [status],
  cells: ticketStatuses.map((one) => [one]),
  documents: [customerId],
});

/** The lists of each customer; the key of a document is the customer's id. */
export const ticketListView = defineListView({
  name: 'ticket-lists',
  shapeVersion: 1,
  triggers: [when(visibleEvents, ({ data }) => [data.customerId])],
  query: (db) =>
    db
      .select({ ...pages.columns, ...summary })
      .from(pages.from)
      .crossJoin(tickets)
      .where(pages.where),
  toRow: (row): TicketSummary => row,
  cellOf: (row) => row.status,
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

export const customerTicketViews = [ticketView, ticketListView];
