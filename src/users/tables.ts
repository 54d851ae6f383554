import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const users = sqliteTable(
  'users',
  {
    id: text().primaryKey(),
    version: integer().notNull(),
    name: text().notNull(),
    email: text().notNull().unique(),
    passwordHash: text('password_hash').notNull(),
    role: text({ enum: ['customer', 'agent', 'admin'] }).notNull(),
    isActive: integer('is_active', { mode: 'boolean' }).notNull(),
    tokensValidFrom: integer('tokens_valid_from').notNull(),
    createdAt: text('created_at').notNull(),
    updatedAt: text('updated_at').notNull(),
    lastLoginAt: text('last_login_at'),
  },
  (table) => [
    index('users_by_role').on(table.role),
    check('users_role', sql`${table.role} IN ('customer', 'agent', 'admin')`),
    check('users_email_is_lower_case', sql`${table.email} = lower(${table.email})`),
  ],
);

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
