import { eq, type SQL, sql } from 'drizzle-orm';
import type { Actor } from '../cqrs/writing/unit-of-work';
import type { Database } from '../platform/d1';
import { users } from './tables';

/**
 * The actor's id as a value for a NOT NULL column, or NULL when the account is gone, inactive or has revoked the token:
 * so a create command checks its caller in the commit itself, without a round trip to load them.
 */
export function validActorId(actor: Actor): SQL<string> {
  return sql`(SELECT ${users.id} FROM ${users}
    WHERE ${users.id} = ${actor.id} AND ${users.isActive} = 1 AND ${users.tokensValidFrom} < ${actor.issuedAt})`;
}

/** The actor's standing, for a batch that loads what they want to change. */
export function standingQuery(db: Database, actor: Actor) {
  return db
    .select({ id: users.id, role: users.role, isActive: users.isActive, tokensValidFrom: users.tokensValidFrom })
    .from(users)
    .where(eq(users.id, actor.id));
}
