import { sql } from 'drizzle-orm';
import { openSession, removeExpired } from '../platform/d1';

/** How often one address may get e-mails of a kind, whichever accounts they are about. */
export interface EmailLimit {
  kind: string;
  everyMs: number;
}

/** An e-mail that is about to be sent. */
interface LimitedEmail {
  address: string;
  messageId: string;
  /** The time of the event that the e-mail follows, in milliseconds. A queue may deliver it much later. */
  occurredAt: number;
}

export interface EmailLimiter {
  /**
   * Uses the limit up for an e-mail, if it allows the e-mail.
   * @returns false for an address that another e-mail of the kind went to within the time of the limit; true again for
   * every later attempt of an e-mail that was allowed
   */
  allows(limit: EmailLimit, email: LimitedEmail): Promise<boolean>;
}

/**
 * The limiter on D1. It compares the times of events, so a duplicate of an old message holds back no newer e-mail.
 * @param hashesOf keyed hashes of a text, one for each secret, the current one first
 */
export function createEmailLimiter(
  database: D1Database,
  hashesOf: (text: string) => readonly [string, ...string[]],
): EmailLimiter {
  return {
    async allows({ kind, everyMs }, { address, messageId, occurredAt }) {
      const hashes = hashesOf(`limited e-mail ${kind} ${address}`);
      const [current] = hashes;
      const { db } = openSession(database, 'first-primary');
      const allowed = await db.all(sql`
        INSERT INTO limited_emails (address_hash, message_id, expires_at)
        SELECT ${current}, ${messageId}, ${occurredAt + everyMs}
        WHERE NOT EXISTS (
          SELECT 1 FROM limited_emails
          WHERE address_hash IN (SELECT value FROM json_each(${JSON.stringify(hashes)}))
            AND message_id <> ${messageId} AND expires_at > ${occurredAt})
        ON CONFLICT (address_hash) DO UPDATE SET message_id = excluded.message_id, expires_at = excluded.expires_at
        RETURNING 1`);
      return allowed.length > 0;
    },
  };
}

/** Deletes the addresses whose limits have ended. */
export async function removeExpiredEmailLimits(database: D1Database, now: number) {
  return { limitedEmails: await removeExpired(database, 'limited_emails', 'address_hash', now) };
}
