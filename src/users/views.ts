import { desc, eq, lt, sql } from 'drizzle-orm';
import { defineView, firstPageSize, when } from '../cqrs/reading/view';
import { ItemCreated, ItemDeleted } from '../items/events';
import { OrderPlaced } from '../orders/events';
import type { Database } from '../platform/d1';
import { TicketOpened, TicketStatusChanged } from '../tickets/events';
import {
  SettingsChanged,
  UserDeactivated,
  UserDeleted,
  UserPasswordChanged,
  UserReactivated,
  UserRegistered,
  UserRoleChanged,
  UserSignedIn,
  UserUpdated,
} from './events';
import type { UserDetail, UserSettings, UserSummary } from './schemas';
import { settings, users } from './tables';
import type { AccountStanding } from './user';

/** What changes who may do what. */
const accessEvents = [UserRoleChanged, UserDeactivated, UserReactivated, UserPasswordChanged, UserDeleted];

/** Each is a range of an index. The column is written out: drizzle leaves its table away, and it would be another's. */
const counts = {
  itemCount: sql<number>`(SELECT count(*) FROM items WHERE owner_id = users.id)`.as('item_count'),
  orderCount: sql<number>`(SELECT count(*) FROM orders WHERE customer_id = users.id)`.as('order_count'),
  openTicketCount: sql<number>`(SELECT count(*) FROM tickets
    WHERE customer_id = users.id AND tickets.status = 'open')`.as('open_ticket_count'),
};

/** An account, with counts that the events of other domains keep right. */
export const userView = defineView({
  name: 'user',
  shapeVersion: 2,
  triggers: [
    when([...accessEvents, UserRegistered, UserUpdated, UserSignedIn], (event) => [event.streamId]),
    when([ItemCreated, ItemDeleted], ({ data }) => [data.ownerId]),
    when([OrderPlaced], ({ data }) => (data.customerId === null ? [] : [data.customerId])),
    when([TicketOpened], ({ data }) => [data.customerId]),
    when([TicketStatusChanged], ({ data: { customerId, from, to } }) =>
      from === null || from === 'open' || to === 'open' ? [customerId] : [],
    ),
  ],
  query: (db, key) =>
    db
      .select({
        id: users.id,
        version: users.version,
        name: users.name,
        email: users.email,
        role: users.role,
        isActive: users.isActive,
        createdAt: users.createdAt,
        updatedAt: users.updatedAt,
        lastLoginAt: users.lastLoginAt,
        ...counts,
      })
      .from(users)
      .where(eq(users.id, key)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, ...detail } = row;
    // The counts change without a version of the account.
    const revision = [detail.itemCount, detail.orderCount, detail.openTicketCount].join('.');
    return { version, revision, data: detail satisfies UserDetail };
  },
});

/** What can change under an access token while it lives: looked at by every authenticated read. */
export const accessView = defineView({
  name: 'access',
  shapeVersion: 1,
  triggers: [when([...accessEvents, UserRegistered], (event) => [event.streamId])],
  atOnceOn: accessEvents,
  query: (db, key) =>
    db
      .select({
        id: users.id,
        version: users.version,
        role: users.role,
        isActive: users.isActive,
        tokensValidFrom: users.tokensValidFrom,
      })
      .from(users)
      .where(eq(users.id, key)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, ...standing } = row;
    return { version, data: standing satisfies AccountStanding };
  },
});

export const settingsView = defineView({
  name: 'settings',
  shapeVersion: 1,
  triggers: [when([UserRegistered, UserDeleted, SettingsChanged], (event) => [event.streamId])],
  query: (db, key) => db.select().from(settings).where(eq(settings.userId, key)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, userId: _, ...data } = row;
    return { version, data: data satisfies UserSettings };
  },
});

/** The one query behind the list, newest accounts first: ids are UUIDv7, so they are the order of registration. */
export function userListQuery(db: Database, limit: number, after?: string) {
  return db
    .select({ id: users.id, name: users.name })
    .from(users)
    .where(after === undefined ? undefined : lt(users.id, after))
    .orderBy(desc(users.id))
    .limit(limit);
}

export const userListView = defineView({
  name: 'user-list',
  shapeVersion: 1,
  triggers: [
    when([UserRegistered, UserDeleted], () => ['all']),
    when([UserUpdated], (event) => (event.data.fields.includes('name') ? ['all'] : [])),
  ],
  query: (db) => userListQuery(db, firstPageSize),
  toDocument: (rows): { version: number; data: UserSummary[] } => ({ version: 0, data: rows }),
});

export const userViews = [userView, accessView, settingsView, userListView];
