import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { AccountCount } from '../access/account-parts';
import { isWanted } from '../cqrs/reading/keyed-query';
import { type CountedList, keptCount } from '../cqrs/reading/list-counts';
import { defineListView, firstPages } from '../cqrs/reading/list-view';
import { mergeCells } from '../cqrs/reading/merge-cells';
import { activityKeyset, keyset, type Slice } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { TicketDeleted, TicketOpened, TicketReopened, TicketReplied, TicketStatusChanged } from './events';
import { newestReplies, replyCount, withoutAuthor } from './reply-views';
import type { StaffReply, TicketDetail, TicketSummary } from './schemas';
import { tickets } from './tables';
import { type TicketStatus, ticketStatuses } from './ticket-status';

/** The events of tickets whose effects a customer may see. Those of notes and assignees are not among them. */
export const visibleEvents = [TicketOpened, TicketStatusChanged, TicketReopened, TicketDeleted];

const { id, customerId, orderId, subject, message, status, createdAt } = tickets;
/** The columns that every form of a ticket has. */
export const ticketTexts = { id, customerId, orderId, subject, message, status, createdAt };

/** A ticket as its customer sees it; notes and assignees change neither its version nor its time. */
export const ticketView = defineView({
  name: 'ticket',
  shapeVersion: 2,
  triggers: [when(visibleEvents, (event) => [event.streamId]), when([TicketReplied], ({ data }) => [data.ticketId])],
  query: (db) =>
    db
      .select({
        ...ticketTexts,
        version: tickets.customerVersion,
        updatedAt: tickets.customerUpdatedAt,
        replyCount: replyCount.as('reply_count'),
        replies: newestReplies.as('replies'),
      })
      .from(tickets)
      .where(isWanted(id)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, replies, ...rest } = row;
    // The query makes this JSON from the columns of a reply.
    const shown = (JSON.parse(replies) as StaffReply[]).map(withoutAuthor);
    // Replies change the document without a version of the ticket. They are only added, so their number tells them apart.
    const revision = rest.replyCount === 0 ? undefined : String(rest.replyCount);
    return { version, revision, data: { ...rest, replies: shown } satisfies TicketDetail };
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

/** The statuses of a list: the one that a filter names, or all. */
export const statusesOf = (wanted: TicketStatus | undefined) => (wanted === undefined ? ticketStatuses : [wanted]);

/** The cells of a customer's list; undefined for all of them. */
export function ticketCells({ status: wanted }: Pick<CustomerFilter, 'status'>): TicketStatus[] | undefined {
  return wanted && [wanted];
}

/** The expression for the kept number of a customer's tickets. */
export function customerTotal({ customer, ...filter }: CustomerFilter) {
  return keptCount(countedTickets, customer, ticketCells(filter));
}

const { customerUpdatedAt, lastSpeaker, preview } = tickets;
const summary = { id, subject, status, preview, createdAt, updatedAt: customerUpdatedAt, lastSpeaker };

/** The query for the pages of a customer's list that no document has. */
export function ticketListQuery(db: Database, filter: CustomerFilter, slice: Slice) {
  const isTheirs = eq(customerId, filter.customer);
  const rows = { ...summary, total: customerTotal(filter).as('total') };
  const select = (where: SQL | undefined) => db.select(rows).from(tickets).where(where).$dynamic();
  if (slice.sort === 'updated') {
    const cells = statusesOf(filter.status).map((one) => and(isTheirs, eq(status, one)));
    return mergeCells(db, select, cells, activityKeyset(customerUpdatedAt, id, slice), slice.limit);
  }
  const isInList = and(isTheirs, filter.status === undefined ? undefined : eq(status, filter.status));
  return mergeCells(db, select, [isInList], keyset(id, slice), slice.limit);
}

const pages = firstPages({
  counted: countedTickets,
  id,
  updatedAt: customerUpdatedAt,
  columns: [status],
  cells: ticketStatuses.map((one) => [one]),
  documents: [customerId],
});

/** The lists of each customer; the key of a document is the customer's id. */
export const ticketListView = defineListView({
  name: 'ticket-lists',
  shapeVersion: 2,
  triggers: [when([...visibleEvents, TicketReplied], ({ data }) => [data.customerId])],
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
    when([TicketOpened, TicketReopened], ({ data }) => [data.customerId]),
    when([TicketStatusChanged], ({ data: { customerId: customer, from, to } }) =>
      from === null || from === 'open' || to === 'open' ? [customer] : [],
    ),
  ],
};

export const customerTicketViews = [ticketView, ticketListView];
