import { and, eq, sql } from 'drizzle-orm';
import { limitOf } from '../cqrs/reading/keyed-query';
import { keyset, type Slice } from '../cqrs/reading/pages';
import type { Database } from '../platform/d1';
import type { StaffReply, TicketReplyDetail } from './schemas';
import { ticketReplies } from './tables';

// The columns are written as text, because drizzle omits the table's name, and `id` would then be the reply's column.
const size = sql`length(CAST(json_quote(message) AS BLOB))`;

/**
 * The newest replies of a ticket, newest first, as JSON. Their number and their size have limits, so that the document has one
 * too; the newest one is there in any case. Only agents and admins see who of them wrote a reply.
 */
export const newestReplies = sql<string>`(
  SELECT json_group_array(
    json_object('id', id, 'by', "by", 'authorId', author_id, 'message', message, 'createdAt', created_at))
  FROM (
    SELECT *, sum(${size}) OVER (ORDER BY id DESC) AS bytes, row_number() OVER (ORDER BY id DESC) AS place
    FROM (SELECT * FROM ticket_replies WHERE ticket_id = tickets.id ORDER BY id DESC LIMIT ${limitOf('repliesInTicket')})
    ORDER BY id DESC)
  WHERE place = 1 OR bytes <= ${limitOf('replyBytesInTicket')})`;

export const replyCount = sql<number>`(SELECT count(*) FROM ticket_replies WHERE ticket_id = tickets.id)`;

/** The query for the pages of a ticket's replies, newest first. */
export function replyListQuery(db: Database, ticket: string, slice: Slice) {
  const { id, ticketId, authorId, by, message, createdAt } = ticketReplies;
  const { isAfter, inOrder } = keyset(id, slice);
  return db
    .select({ id, by, authorId, message, createdAt })
    .from(ticketReplies)
    .where(and(eq(ticketId, ticket), isAfter))
    .orderBy(...inOrder)
    .limit(slice.limit);
}

/** A reply as its customer sees it: whoever of the staff wrote it is the staff. */
export function withoutAuthor({ authorId: _, ...reply }: StaffReply): TicketReplyDetail {
  return reply;
}
