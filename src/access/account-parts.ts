import type { SQL } from 'drizzle-orm';
import type { NewEvent } from '../cqrs/log/event';
import type { Trigger } from '../cqrs/reading/view';

// The parts that other domains add to an account. Each domain offers its part, and domains.ts joins the parts, so that
// the users domain knows no other domain.

/** A figure on an account's document that a domain counts. */
export interface AccountCount {
  /** The expression that counts, for the row of `users` in the query. In the expression, write `users.id` as text. */
  count: SQL<number>;
  /** The events that change the figure, each with the account that it affects. */
  triggers: readonly Trigger[];
}

/**
 * Runs when an account is deleted, at a time in ISO 8601: it stages the domain's changes and returns the events to record.
 * An account can have many rows, so a handler stages statements for all rows together, and never one for each row.
 */
export type AccountDeletionHandler = (userId: string, at: string) => Promise<NewEvent[]>;
