import { and, asc, eq, gt, gte, lt, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { type Origin, toEnvelope } from '../cqrs/log/envelope';
import { type EventCatalogue, upcast } from '../cqrs/log/event';
import { type EventRow, eventsOfSpan, toRecordedEvent } from '../cqrs/log/event-log';
import { orders } from '../orders/tables';
import { ticketReplies, tickets } from '../tickets/tables';
import { users } from '../users/tables';
import { exportErrors } from './errors';
import type { ExportedEvent, ExportedOrder, ExportedReply, ExportedTicket } from './schemas';
import { idsOf, type Source, type Span } from './source';

/** What is asked of an export for reporting. */
export interface ReportRequest extends Span {
  includesPersonal: boolean;
}

/** The rows of a span after a key. The id finds them, and the time decides. */
function isOfSpan(id: SQLiteColumn, createdAt: SQLiteColumn, span: Span, after: string | undefined) {
  const { from, to } = idsOf(span);
  return and(
    gt(id, after ?? from),
    lt(id, to),
    span.from === undefined ? undefined : gte(createdAt, span.from),
    span.to === undefined ? undefined : lt(createdAt, span.to),
  );
}

/** The lines of an order without what only a cancellation needs. */
export function toLines(lines: unknown): ExportedOrder['lines'] {
  // Only the repository of orders writes this column.
  return (lines as (ExportedOrder['lines'][number] & { tookStock?: unknown })[]).map(
    ({ tookStock: _, ...line }) => line,
  );
}

const customer = { customerName: users.name, customerEmail: users.email };

export function ordersOf(span: ReportRequest): Source<ExportedOrder> {
  const { id, number, status, customerId, lineCount, amount, currency, lines, createdAt, updatedAt } = orders;
  const columns = { id, number, status, customerId, lineCount, amount, currency, lines, createdAt, updatedAt };
  return {
    query(db, after, limit) {
      const isWanted = isOfSpan(id, createdAt, span, after);
      if (!span.includesPersonal) return db.select(columns).from(orders).where(isWanted).orderBy(asc(id)).limit(limit);
      return db
        .select({ ...columns, ...customer, shippingAddress: orders.shippingAddress })
        .from(orders)
        .leftJoin(users, eq(users.id, customerId))
        .where(isWanted)
        .orderBy(asc(id))
        .limit(limit);
    },
    toRow: ({ lines, ...row }: ExportedOrder) => ({ ...row, lines: toLines(lines) }),
    keyOf: ({ id }: ExportedOrder) => id,
  };
}

/** A ticket without its replies, which are sent after it. */
export type TicketRow = Omit<ExportedTicket, 'replies'>;

export function ticketsOf(span: ReportRequest): Source<TicketRow> {
  const { id, status, customerId, orderId, hasNote, createdAt, updatedAt, triagedAt, triageSeconds } = tickets;
  const columns = { id, status, customerId, orderId, hasNote, createdAt, updatedAt, triagedAt, triageSeconds };
  return {
    query(db, after, limit) {
      const isWanted = isOfSpan(id, createdAt, span, after);
      if (!span.includesPersonal) return db.select(columns).from(tickets).where(isWanted).orderBy(asc(id)).limit(limit);
      return db
        .select({ ...columns, ...customer, subject: tickets.subject, message: tickets.message })
        .from(tickets)
        .leftJoin(users, eq(users.id, customerId))
        .where(isWanted)
        .orderBy(asc(id))
        .limit(limit);
    },
    toRow: (row: TicketRow) => row,
    keyOf: ({ id }: TicketRow) => id,
  };
}

/** A reply with the ticket that it belongs to. */
export type ReplyOfTicket = ExportedReply & { ticketId: string };

/**
 * The replies on the tickets of a span, in the order of the tickets. Whoever wrote a reply of the staff is named by the id, as
 * customers are; its text is personal data. Internal notes are no replies.
 */
export function repliesOf(span: ReportRequest): Source<ReplyOfTicket> {
  const { id, ticketId, by, authorId, createdAt, message } = ticketReplies;
  return {
    query(db, key, limit) {
      const [ticket = '', reply = ''] = key?.split(' ') ?? [];
      return db
        .select({ ticketId, id, by, authorId, createdAt, ...(span.includesPersonal && { message }) })
        .from(tickets)
        .crossJoin(ticketReplies)
        .where(
          and(
            isOfSpan(tickets.id, tickets.createdAt, span, undefined),
            gte(tickets.id, ticket),
            eq(ticketId, tickets.id),
            gt(id, sql`iif(${tickets.id} = ${ticket}, ${reply}, '')`),
          ),
        )
        .orderBy(asc(tickets.id), asc(id))
        .limit(limit);
    },
    toRow: (row: ReplyOfTicket) => row,
    keyOf: ({ id, ticketId }: ReplyOfTicket) => `${ticketId} ${id}`,
  };
}

/** The position that is the key of an event. */
export const toPosition = (key: string | undefined) => (key === undefined ? undefined : Number(key));

/** Events have no personal data, so the export is the same with and without it. */
export function eventsOf(span: ReportRequest, catalogue: EventCatalogue, origin: Origin): Source<ExportedEvent> {
  return {
    query: (db, after, limit) => eventsOfSpan(db, { ...span, ids: idsOf(span), after: toPosition(after), limit }),
    toRow(row: EventRow) {
      try {
        // An envelope of an event without undefined members has this form.
        return toEnvelope(upcast(catalogue, toRecordedEvent(row)), origin) as ExportedEvent;
      } catch (cause) {
        throw exportErrors.unreadableEvent({ position: row.position, retryAfterSeconds: 60 }, { cause });
      }
    },
    keyOf: ({ position }: EventRow) => String(position),
  };
}
