import { getTableColumns, sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { roles } from '../access/caller';
import { isOneOf } from '../platform/d1';
import { confirmationKinds } from './email-confirmation';

/** Whether `foldText` of version 0.7.0 left letters that it folds by now. It is the condition of an index, so it has no parameter. */
export const hasOtherLetters = sql`"search_name" GLOB '*[ßæœøłđðþħŧŋı]*'`;

export const users = sqliteTable(
  'users',
  {
    id: text().primaryKey(),
    version: integer().notNull(),
    name: text().notNull(),
    email: text().notNull().unique(),
    passwordHash: text('password_hash').notNull(),
    role: text({ enum: roles }).notNull(),
    isActive: integer('is_active', { mode: 'boolean' }).notNull(),
    tokenGeneration: integer('token_generation').notNull(),
    createdAt: text('created_at').notNull(),
    updatedAt: text('updated_at').notNull(),
    lastLoginAt: text('last_login_at'),
    /**
     * When the present address was confirmed; null for one that nobody has confirmed. A trigger empties it where an address is
     * changed without a link, as version 0.6.0 does.
     */
    emailConfirmedAt: text('email_confirmed_at'),
    /** The name as a search compares it (`foldText`); null until the hourly task has folded a name of an older version. */
    searchName: text('search_name'),
    /** Whether a program uses the account, by API keys: it has no password and no mailbox. */
    isService: integer('is_service', { mode: 'boolean' }).notNull().default(false),
  },
  (table) => [
    // Nobody looks for another role, and a customer costs no entry.
    index('users_admins').on(table.role).where(sql`${table.role} = 'admin'`),
    index('users_by_search_name').on(table.searchName),
    // The index `users_by_last_name` is in the migration alone, because drizzle-kit cannot write the commas of its expression.
    index('users_to_fold').on(table.id).where(sql`${table.searchName} IS NULL`),
    index('users_to_fold_again').on(table.id).where(hasOtherLetters),
    check('users_role', isOneOf(table.role, roles)),
    check('users_email_is_lower_case', sql`${table.email} = lower(${table.email})`),
  ],
);

const { searchName: _, ...columns } = getTableColumns(users);
/** The columns of an account, without the one that only searches need. */
export const accountColumns = columns;

export const settings = sqliteTable('settings', {
  userId: text('user_id')
    .primaryKey()
    .references(() => users.id, { onDelete: 'cascade' }),
  version: integer().notNull(),
  locale: text().notNull(),
  timezone: text().notNull(),
  emailNotifications: integer('email_notifications', { mode: 'boolean' }).notNull(),
  updatedAt: text('updated_at').notNull(),
});

/** The links that confirm addresses. A token is not stored, because it is derived from the id and a secret. Times are milliseconds. */
export const emailConfirmations = sqliteTable(
  'email_confirmations',
  {
    id: text().primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    kind: text({ enum: confirmationKinds }).notNull(),
    email: text().notNull(),
    previousEmail: text('previous_email'),
    isPreviousConfirmed: integer('is_previous_confirmed', { mode: 'boolean' }).notNull().default(false),
    expiresAt: integer('expires_at').notNull(),
    usedAt: integer('used_at'),
  },
  (table) => [
    index('email_confirmations_by_user').on(table.userId),
    index('email_confirmations_by_expiry').on(table.expiresAt),
    check('email_confirmations_kind', isOneOf(table.kind, confirmationKinds)),
  ],
);

/**
 * What is left of deleted accounts that own too much for one commit: one row for each erasure at work. The trigger
 * `users_deleted` leaves the rows of an account to its erasure, if it has one.
 */
export const erasures = sqliteTable(
  'erasures',
  {
    userId: text('user_id').primaryKey(),
    /** How many steps are done. Each step names its number, so that a duplicate has no effect. */
    steps: integer().notNull(),
    /** How many rows of the account were erased so far, each with its events. */
    rows: integer().notNull(),
    /** How many failures followed each other without a success. */
    attempts: integer().notNull(),
    lastError: text('last_error'),
    startedAt: text('started_at').notNull(),
    /** Milliseconds: the time of the last progress. The schedule sends the next step of a stalled erasure again. */
    progressedAt: integer('progressed_at').notNull(),
  },
  (table) => [index('erasures_by_progress').on(table.progressedAt)],
);
