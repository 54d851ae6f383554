import { and, asc, eq, gt, gte, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { apiKeys } from '../api-keys/tables';
import { sessions } from '../auth/tables';
import { type EventRow, eventsOfActor } from '../cqrs/log/event-log';
import { mergeCells } from '../cqrs/reading/merge-cells';
import { items } from '../items/tables';
import { orders } from '../orders/tables';
import { isoTimeOrNull } from '../platform/clock';
import type { Database } from '../platform/d1';
import { ticketReplies, tickets } from '../tickets/tables';
import { emailConfirmations, settings, users } from '../users/tables';
import { toLines, toPosition } from './reports';
import type { Source } from './source';

/** The query for the account and its settings. Every column is named, so that no secret is among them. */
export function accountQuery(db: Database, userId: string) {
  const { id, name, email, emailConfirmedAt, role, isActive, createdAt, updatedAt, lastLoginAt } = users;
  const { locale, timezone, emailNotifications } = settings;
  return db
    .select({
      account: { id, name, email, emailConfirmedAt, role, isActive, createdAt, updatedAt, lastLoginAt },
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

type Link = typeof emailConfirmations.$inferSelect;

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
      const { id, number, status, lines, amount, currency, shippingAddress, createdAt, updatedAt } = orders;
      const columns = { id, number, status, lines, amount, currency, shippingAddress, createdAt, updatedAt };
      const select = (where: SQL | undefined) => db.select(columns).from(orders).where(where).$dynamic();
      // The index of an account's orders has the status before the id.
      const cells = status.enumValues.map((one) => and(eq(orders.customerId, userId), eq(status, one)));
      return mergeCells(db, select, cells, { inOrder: [asc(id)], isAfter: after(id, key) }, limit);
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
  // All replies on the account's own tickets. Who of the staff wrote one is not for customers to know.
  replies: (userId) => ({
    query: (db, key, limit) => {
      const [ticket = '', reply = ''] = key?.split(' ') ?? [];
      const { id, ticketId, by, message, createdAt } = ticketReplies;
      return db
        .select({ id, ticketId, by, message, createdAt })
        .from(tickets)
        .crossJoin(ticketReplies)
        .where(
          and(
            eq(tickets.customerId, userId),
            gte(tickets.id, ticket),
            eq(ticketId, tickets.id),
            gt(id, sql`iif(${tickets.id} = ${ticket}, ${reply}, '')`),
          ),
        )
        .orderBy(asc(tickets.id), asc(id))
        .limit(limit);
    },
    keyOf: ({ id, ticketId }: { id: string; ticketId: string }) => `${ticketId} ${id}`,
    toRow: byId.toRow,
  }),
  apiKeys: (userId) => ({
    keyOf: byId.keyOf,
    query: (db, key, limit) => {
      const { id, name, scopes, createdAt, expiresAt, lastUsedAt } = apiKeys;
      return db
        .select({ id, name, scopes, createdAt, expiresAt, lastUsedAt })
        .from(apiKeys)
        .where(and(eq(apiKeys.userId, userId), after(id, key)))
        .orderBy(asc(id))
        .limit(limit);
    },
    toRow: ({ expiresAt, ...row }: { expiresAt: number | null }) => ({ ...row, expiresAt: isoTimeOrNull(expiresAt) }),
  }),
  emailConfirmations: (userId) => ({
    keyOf: byId.keyOf,
    query: (db, key, limit) => {
      const { id, kind, email, previousEmail, expiresAt, usedAt } = emailConfirmations;
      return db
        .select({ id, kind, email, previousEmail, expiresAt, usedAt })
        .from(emailConfirmations)
        .where(and(eq(emailConfirmations.userId, userId), after(id, key)))
        .orderBy(asc(id))
        .limit(limit);
    },
    // The token of a link is made from its id.
    toRow: ({ id: _, expiresAt, usedAt, ...row }: Pick<Link, 'id' | 'expiresAt' | 'usedAt'>) => ({
      ...row,
      expiresAt: isoTimeOrNull(expiresAt),
      usedAt: isoTimeOrNull(usedAt),
    }),
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
      revokedAt: isoTimeOrNull(revokedAt),
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
