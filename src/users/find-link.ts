import { eq } from 'drizzle-orm';
import { openSession } from '../platform/d1';
import type { EmailConfirmation } from './email-confirmation';
import { emailConfirmations } from './tables';

/** Finds a link that confirms an address; undefined for one that was replaced or ended. */
export type FindLink = (id: string) => Promise<EmailConfirmation | undefined>;

/** Reads the primary, because events contain no addresses. */
export function createFindLink(database: D1Database): FindLink {
  return async (id) => {
    const { db } = openSession(database, 'first-primary');
    return (await db.select().from(emailConfirmations).where(eq(emailConfirmations.id, id)))[0];
  };
}
