import { and, eq, sql } from 'drizzle-orm';
import type { AccountCount } from '../access/account-parts';
import { type CountedList, keptCount } from '../cqrs/reading/list-counts';
import { keyset, type Slice, toListRows } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { limits } from '../platform/limits';
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
  query: (db, key) =>
    db
      .select({ ...ticketTexts, version: tickets.customerVersion, updatedAt: tickets.customerUpdatedAt })
      .from(tickets)
      .where(eq(id, key)),
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

/** The expression for the kept number of a customer's tickets. */
export function customerTotal({ customer, status: wanted }: CustomerFilter) {
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

/** The part of a list's key for a filter that is not set. */
export const anyFilter = '*';
/** The status in a list's key; undefined for every status. */
export const statusOf = (text: string | undefined) => ticketStatuses.find((known) => known === text);

/** The key of the first page of a customer's list: `customer:status`, with `*` for every status. */
export function ticketListKey(filter: CustomerFilter): string {
  return `${filter.customer}:${filter.status ?? anyFilter}`;
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
