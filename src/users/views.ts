import { desc, eq, lt } from 'drizzle-orm';
import { defineAccessView } from '../access/access-view';
import type { AccountCount } from '../access/account-parts';
import { defineView, firstPageSize, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import {
  SettingsUpdated,
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

/** The events that change what an account's tokens may do. */
const accessEvents = [UserRoleChanged, UserDeactivated, UserReactivated, UserPasswordChanged, UserDeleted];

export const accessView = defineAccessView(users, UserRegistered, accessEvents);

type CountName = 'itemCount' | 'orderCount' | 'openTicketCount';

/** An account with its counts; other domains offer each count together with the events that change it. */
export function createUserView(counts: Record<CountName, AccountCount>) {
  const { itemCount, orderCount, openTicketCount } = counts;
  return defineView({
    name: 'user',
    shapeVersion: 2,
    triggers: [
      when([...accessEvents, UserRegistered, UserUpdated, UserSignedIn], (event) => [event.streamId]),
      ...Object.values(counts).flatMap(({ triggers }) => triggers),
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
          itemCount: itemCount.count.as('item_count'),
          orderCount: orderCount.count.as('order_count'),
          openTicketCount: openTicketCount.count.as('open_ticket_count'),
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
}

export type UserView = ReturnType<typeof createUserView>;

export const settingsView = defineView({
  name: 'settings',
  shapeVersion: 1,
  triggers: [when([UserRegistered, UserDeleted, SettingsUpdated], (event) => [event.streamId])],
  query: (db, key) => db.select().from(settings).where(eq(settings.userId, key)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, userId: _, ...data } = row;
    return { version, data: data satisfies UserSettings };
  },
});

/** The one query behind the list, newest accounts first: ids are UUIDv7, so they are in the order of registration. */
export function userListQuery(db: Database, limit: number, after?: string) {
  return db
    .select({ id: users.id, name: users.name })
    .from(users)
    .where(after === undefined ? undefined : lt(users.id, after))
    .orderBy(desc(users.id))
    .limit(limit);
}

/** The one key of the list of users. */
export const userListKey = 'all';

export const userListView = defineView({
  name: 'user-list',
  shapeVersion: 1,
  triggers: [
    when([UserRegistered, UserDeleted], () => [userListKey]),
    when([UserUpdated], (event) => (event.data.fields.includes('name') ? [userListKey] : [])),
  ],
  query: (db) => userListQuery(db, firstPageSize),
  toDocument: (rows): { version: number; data: UserSummary[] } => ({ version: 0, data: rows }),
});

export const userViews = [accessView, settingsView, userListView];
