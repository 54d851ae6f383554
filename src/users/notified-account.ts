import { and, eq } from 'drizzle-orm';
import { toPrintableName } from '../email/printable-name';
import type { FindAccount } from '../notifications/notified-account';
import { openSession } from '../platform/d1';
import { settings, users } from './tables';

/** Finds an active account with its settings, on the primary; the name is left out if an e-mail may not show it. */
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
      .where(and(eq(users.id, userId), eq(users.isActive, true)));
    if (!row) return undefined;
    const { emailConfirmedAt, name, ...account } = row;
    const printable = toPrintableName(name);
    return { ...account, isConfirmed: emailConfirmedAt !== null, ...(printable !== undefined && { name: printable }) };
  };
}
