import { and, sql } from 'drizzle-orm';
import { defineAccessView } from '../access/access-view';
import type { AccountCount } from '../access/account-parts';
import { isWanted } from '../cqrs/reading/keyed-query';
import { type CountedList, everybody, keptCount } from '../cqrs/reading/list-counts';
import { defineListView, everybodyKey, firstPages } from '../cqrs/reading/list-view';
import { keyset, type Slice } from '../cqrs/reading/pages';
import { defineView, type Trigger, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import {
  EmailChangeExpired,
  EmailConfirmationRequested,
  SettingsUpdated,
  UserDeactivated,
  UserDeleted,
  UserEmailConfirmed,
  UserPasswordChanged,
  UserReactivated,
  UserRegistered,
  UserRoleChanged,
  UserSignedIn,
  UserUpdated,
} from './events';
import type { UserDetail, UserSettings, UserSummary } from './schemas';
import { settings, users } from './tables';

/** The events that change which tokens of an account are valid. */
const accessEvents = [UserRoleChanged, UserDeactivated, UserReactivated, UserPasswordChanged, UserDeleted];

export const accessView = defineAccessView(users, UserRegistered, accessEvents);

/** The events that change whether the address is confirmed, or to which one the account is to change. */
const addressEvents = [EmailConfirmationRequested, UserEmailConfirmed, EmailChangeExpired];

/** The address of the unused link for a change; an account has one such link at most. */
const pendingEmail = sql<string | null>`(SELECT email FROM email_confirmations AS pending
  WHERE pending.user_id = users.id AND pending.kind = 'change' AND pending.used_at IS NULL)`;

type CountName = 'itemCount' | 'orderCount' | 'openTicketCount';

/**
 * The view of an account with its counts. Another domain offers each count, with the events that change the count, and the
 * event of a sign-in.
 */
export function createUserView(counts: Record<CountName, AccountCount>, signIns: Trigger) {
  const { itemCount, orderCount, openTicketCount } = counts;
  return defineView({
    name: 'user',
    shapeVersion: 4,
    triggers: [
      when([...accessEvents, ...addressEvents, UserRegistered, UserUpdated, UserSignedIn], (event) => [event.streamId]),
      signIns,
      ...Object.values(counts).flatMap(({ triggers }) => triggers),
    ],
    query: (db) =>
      db
        .select({
          id: users.id,
          version: users.version,
          name: users.name,
          email: users.email,
          emailConfirmedAt: users.emailConfirmedAt,
          pendingEmail: pendingEmail.as('pending_email'),
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
        .where(isWanted(users.id)),
    toDocument([row]) {
      if (!row) return undefined;
      const { version, emailConfirmedAt, ...shown } = row;
      const detail = { ...shown, emailConfirmed: emailConfirmedAt !== null };
      // The counts and the last sign-in change without a version of the account.
      const lastLogin = detail.lastLoginAt === null ? 0 : Date.parse(detail.lastLoginAt);
      const revision = [detail.itemCount, detail.orderCount, detail.openTicketCount, lastLogin].join('.');
      return { version, revision, data: detail satisfies UserDetail };
    },
  });
}

export type UserView = ReturnType<typeof createUserView>;

export const settingsView = defineView({
  name: 'settings',
  shapeVersion: 1,
  triggers: [when([UserRegistered, UserDeleted, SettingsUpdated], (event) => [event.streamId])],
  keyColumn: 'user_id',
  query: (db) =>
    db
      .select({
        userId: settings.userId,
        version: settings.version,
        locale: settings.locale,
        timezone: settings.timezone,
        emailNotifications: settings.emailNotifications,
        updatedAt: settings.updatedAt,
      })
      .from(settings)
      .where(isWanted(settings.userId)),
  toDocument([row]) {
    if (!row) return undefined;
    const { userId: _, version, ...data } = row;
    return { version, data: data satisfies UserSettings };
  },
});

/** The one cell of the list. */
const cell = 'all';
export const countedUsers: CountedList = { name: 'users', table: users, filter: sql`'all'` };

const summary = { id: users.id, name: users.name };

/**
 * The query for the pages that no document has. Ids are UUIDv7, so they have the order of the registrations.
 * @param ids only these accounts
 */
export function userListQuery(db: Database, slice: Slice, ids?: readonly string[]) {
  const { isAfter, inOrder } = keyset(users.id, slice);
  const isNamed = ids && sql`${users.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
  const total = isNamed
    ? sql<number>`(SELECT count(*) FROM ${users} WHERE ${isNamed})`
    : keptCount(countedUsers, everybody);
  return db
    .select({ ...summary, total: total.as('total') })
    .from(users)
    .where(and(isAfter, isNamed))
    .orderBy(...inOrder)
    .limit(slice.limit);
}

const pages = firstPages({
  counted: countedUsers,
  id: users.id,
  columns: [],
  cells: [[]],
  documents: ['everybody'],
});

export const userListView = defineListView({
  name: 'user-list',
  shapeVersion: 3,
  triggers: [
    when([UserRegistered, UserDeleted], () => [everybodyKey]),
    when([UserUpdated], (event) => (event.data.fields.includes('name') ? [everybodyKey] : [])),
  ],
  query: (db) =>
    db
      .select({ ...pages.columns, ...summary })
      .from(pages.from)
      .crossJoin(users)
      .where(pages.where),
  toRow: (row): UserSummary => row,
  cellOf: () => cell,
});

export const userViews = [accessView, settingsView, userListView];
