import { and, eq, isNull } from 'drizzle-orm';
import { openSession } from '../platform/d1';
import type { EmailConfirmation } from './email-confirmation';
import { emailConfirmations } from './tables';

/** Finds a link that confirms an address, or the unused one of a registration; undefined for one that has ended. */
export type FindLink = (
  wanted: { id: string } | { unusedRegistrationOf: string },
) => Promise<EmailConfirmation | undefined>;

/** Reads the primary, because events contain no addresses. */
export function createFindLink(database: D1Database): FindLink {
  return async (wanted) => {
    const { db } = openSession(database, 'first-primary');
    const isWanted =
      'id' in wanted
        ? eq(emailConfirmations.id, wanted.id)
        : and(
            eq(emailConfirmations.userId, wanted.unusedRegistrationOf),
            eq(emailConfirmations.kind, 'registration'),
            isNull(emailConfirmations.usedAt),
          );
    return (await db.select().from(emailConfirmations).where(isWanted))[0];
  };
}
