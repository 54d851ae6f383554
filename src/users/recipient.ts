import { and, eq } from 'drizzle-orm';
import type { FindRecipient } from '../email/recipient';
import { openSession } from '../platform/d1';
import { users } from './tables';

/** Finds the name and the address of an active account; undefined if the account is deleted or inactive. */
export function createFindRecipient(database: D1Database): FindRecipient {
  return async (userId) => {
    const { db } = openSession(database, 'first-primary');
    const rows = await db
      .select({ name: users.name, email: users.email })
      .from(users)
      .where(and(eq(users.id, userId), eq(users.isActive, true)));
    return rows[0];
  };
}
