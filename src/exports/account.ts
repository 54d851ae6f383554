import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { apiKeys } from '../api-keys/tables';
import { sessions } from '../auth/tables';
import { type EventRow, eventsOfActor } from '../cqrs/log/event-log';
import { items } from '../items/tables';
import { orders, shippingAddresses } from '../orders/tables';
import type { Database } from '../platform/d1';
import { ticketReplies, tickets } from '../tickets/tables';
import { settings, users } from '../users/tables';
import { toLines, toPosition } from './reports';
import type { Source } from './source';

/** The query for the account and its settings. Every column is named, so that no secret is among them. */
export function accountQuery(db: Database, userId: string) {
  const { id, name, email, emailConfirmedAt, role, isActive, createdAt, updatedAt, lastLoginAt } = users;
  // An account has one unused link for a change at most.
  const pendingEmail = sql<string | null>`(SELECT email FROM email_confirmations AS pending
    WHERE pending.user_id = users.id AND pending.kind = 'change' AND pending.used_at IS NULL)`.as('pending_email');
  const { locale, timezone, emailNotifications } = settings;
  return db
    .select({
      account: {
        ...{ id, name, email, emailConfirmedAt, pendingEmail },
        ...{ role, isActive, createdAt, updatedAt, lastLoginAt },
      },
      // The driver gives rows by the names of columns, and this name is that of a column of the account too.
      settings: {
        locale,
        timezone,
        emailNotifications,
        updatedAt: sql<string>`${settings.updatedAt}`.as('changed_at'),
      },
    })
    .from(users)
    .leftJoin(settings, eq(settings.userId, users.id))
    .where(eq(users.id, userId));
}

const after = (id: SQLiteColumn, key: string | undefined): SQL | undefined =>
  key === undefined ? undefined : gt(id, key);

const byId = { keyOf: ({ id }: { id: string }) => id, toRow: (row: object) => row };

/**
 * What an account owns, part by part. Internal notes are not among it: their promise is that no customer ever sees them. So a
 * ticket has the time of its last change that the customer can see, and not that of a note.
 */
export const accountParts: Readonly<Record<string, (userId: string) => Source<object>>> = {
  items: (userId) => ({
    ...byId,
    query: (db, key, limit) => {
      const { id, title, description, amount, currency, stock, isActive, createdAt, updatedAt } = items;
      return db
        .select({ id, title, description, amount, currency, stock, isActive, createdAt, updatedAt })
        .from(items)
        .where(and(eq(items.ownerId, userId), after(id, key)))
        .orderBy(asc(id))
        .limit(limit);
    },
  }),
  orders: (userId) => ({
    keyOf: byId.keyOf,
    query: (db, key, limit) => {
      const { id, number, status, lines, amount, currency, createdAt, updatedAt } = orders;
      return db
        .select({
          id,
          number,
          status,
          lines,
          amount,
          currency,
          shippingAddress: shippingAddresses.address,
          createdAt,
          updatedAt,
        })
        .from(orders)
        .leftJoin(shippingAddresses, eq(shippingAddresses.orderId, id))
        .where(and(eq(orders.customerId, userId), after(id, key)))
        .orderBy(asc(id))
        .limit(limit);
    },
    toRow: ({ lines, ...row }: { lines: unknown }) => ({ ...row, lines: toLines(lines) }),
  }),
  tickets: (userId) => ({
    ...byId,
    query: (db, key, limit) => {
      const { id, orderId, status, subject, message, createdAt, customerUpdatedAt: updatedAt } = tickets;
      return db
        .select({ id, orderId, status, subject, message, createdAt, updatedAt })
        .from(tickets)
        .where(and(eq(tickets.customerId, userId), after(id, key)))
        .orderBy(asc(id))
        .limit(limit);
    },
  }),
  replies: (userId) => ({
    query: (db, key, limit) => {
      const { id, ticketId, by, message, createdAt } = ticketReplies;
      const [lastTicket, lastReply] = key?.split(' ') ?? [];
      return db
        .select({ id, ticketId, by, message, createdAt })
        .from(tickets)
        .innerJoin(ticketReplies, eq(ticketId, tickets.id))
        .where(
          and(
            eq(tickets.customerId, userId),
            key === undefined ? undefined : sql`(${tickets.id}, ${id}) > (${lastTicket}, ${lastReply})`,
          ),
        )
        .orderBy(asc(tickets.id), asc(id))
        .limit(limit);
    },
    keyOf: ({ ticketId, id }: { ticketId: string; id: string }) => `${ticketId} ${id}`,
    toRow: byId.toRow,
  }),
  apiKeys: (userId) => ({
    ...byId,
    query: (db, key, limit) => {
      const { id, name, scopes, createdAt, lastUsedAt } = apiKeys;
      return db
        .select({ id, name, scopes, createdAt, lastUsedAt })
        .from(apiKeys)
        .where(and(eq(apiKeys.userId, userId), after(id, key)))
        .orderBy(asc(id))
        .limit(limit);
    },
  }),
  sessions: (userId) => ({
    query: (db, key, limit) => {
      const { id, createdAt, revokedAt } = sessions;
      return db
        .select({ id, createdAt, revokedAt })
        .from(sessions)
        .where(and(eq(sessions.userId, userId), after(id, key)))
        .orderBy(asc(id))
        .limit(limit);
    },
    keyOf: byId.keyOf,
    // The id of a session is a part of what its tokens are checked by.
    toRow: ({ createdAt, revokedAt }: { createdAt: string; revokedAt: number | null }) => ({
      createdAt,
      revokedAt: revokedAt === null ? null : new Date(revokedAt).toISOString(),
    }),
  }),
  activity: (userId) => ({
    query: (db, key, limit) => eventsOfActor(db, { actor: userId, after: toPosition(key), limit }),
    keyOf: ({ position }: EventRow) => String(position),
    toRow: ({ occurred_at: time, type, stream_type, stream_id }: EventRow) => ({
      time,
      type,
      subject: `${stream_type}/${stream_id}`,
    }),
  }),
};
