import { and, eq } from 'drizzle-orm';
import { toPrintableName } from '../email/printable-name';
import type { FindRecipient } from '../email/recipient';
import { openSession } from '../platform/d1';
import { users } from './tables';

/**
 * Finds the address of an active account, and its name if an e-mail may show it; undefined if the account is deleted,
 * inactive, or a service account, which has no mailbox.
 */
export function createFindRecipient(database: D1Database): FindRecipient {
  return async (userId) => {
    const { db } = openSession(database, 'first-primary');
    const rows = await db
      .select({ name: users.name, email: users.email })
      .from(users)
      .where(and(eq(users.id, userId), eq(users.isActive, true), eq(users.isService, false)));
    const [account] = rows;
    if (!account) return undefined;
    const name = toPrintableName(account.name);
    return { email: account.email, ...(name !== undefined && { name }) };
  };
}
