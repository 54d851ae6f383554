import { and, eq, type SQL, sql } from 'drizzle-orm';
import { toPrintableName } from '../email/printable-name';
import type { FindAccount } from '../notifications/notified-account';
import { openSession } from '../platform/d1';
import { settings, users } from './tables';

/** Whether an account wants to be told of what is not for its security, as a condition of SQL; `isWanted` is the same rule. */
export function wantsEmails(account: SQL): SQL {
  return sql`EXISTS (
    SELECT 1 FROM users CROSS JOIN settings ON settings.user_id = users.id WHERE users.id = ${account} AND users.is_active
      AND NOT users.is_service AND users.email_confirmed_at IS NOT NULL AND settings.email_notifications)`;
}

/**
 * Finds an active account of a person with its settings, on the primary; the name is left out if an e-mail may not show it. A
 * service account has no mailbox.
 */
export function createFindAccount(database: D1Database): FindAccount {
  return async (userId) => {
    const { db } = openSession(database, 'first-primary');
    const [row] = await db
      .select({
        name: users.name,
        email: users.email,
        emailConfirmedAt: users.emailConfirmedAt,
        emailNotifications: settings.emailNotifications,
        locale: settings.locale,
        timezone: settings.timezone,
      })
      .from(users)
      .innerJoin(settings, eq(settings.userId, users.id))
      .where(and(eq(users.id, userId), eq(users.isActive, true), eq(users.isService, false)));
    if (!row) return undefined;
    const { emailConfirmedAt, name, ...account } = row;
    const printable = toPrintableName(name);
    return { ...account, isConfirmed: emailConfirmedAt !== null, ...(printable !== undefined && { name: printable }) };
  };
}
