import { and, eq } from 'drizzle-orm';
import { openSession } from '../platform/d1';
import { users } from './tables';

export interface Recipient {
  name: string;
  email: string;
}

/** Finds whom to write to, as they are called now: events carry no names or addresses. */
export type FindRecipient = (userId: string) => Promise<Recipient | undefined>;

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
