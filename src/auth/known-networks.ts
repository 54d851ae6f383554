import { and, eq, gt, inArray, sql } from 'drizzle-orm';
import { type Clock, isoTime } from '../platform/clock';
import { openSession } from '../platform/d1';
import { users } from '../users/tables';
import { lifetimes } from './session';
import { sessions } from './tables';

/** Tells whether an account has signed in from a network lately. */
export type IsKnownNetwork = (account: { email: string } | { id: string }, network: string) => Promise<boolean>;

/**
 * Makes the question that a request asks when an account has had too many attempts from all networks together. One query
 * answers it, so that the time does not show whether there is such an account.
 * @param hashesOf the keyed hashes of a network, one for each secret
 */
export function createIsKnownNetwork(options: {
  database: D1Database;
  clock: Clock;
  hashesOf(network: string): readonly string[];
}): IsKnownNetwork {
  return async (account, network) => {
    const { db } = openSession(options.database, 'first-unconstrained');
    const found = await db
      .select({ one: sql`1` })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(
        and(
          'id' in account ? eq(users.id, account.id) : eq(users.email, account.email),
          inArray(sessions.network, [...options.hashesOf(network)]),
          gt(sessions.createdAt, isoTime(options.clock.now() - lifetimes.knownNetworkMs)),
        ),
      )
      .limit(1);
    return found.length > 0;
  };
}
