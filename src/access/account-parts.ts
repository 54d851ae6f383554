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

/** What one step of an erasure takes of the rows that a deleted account owns in a domain. */
export interface ErasedRows {
  events: NewEvent[];
  /** How many rows it takes. */
  rows: number;
  /** Whether no row is left after them. */
  isFinished: boolean;
}

/**
 * Erases the next rows of an account that is deleted, at a time in ISO 8601: it stages the domain's changes and returns the
 * events to record. It takes at most `most` rows, and stages statements for all of them together.
 */
export type AccountDeletionHandler = (userId: string, at: string, most: number) => Promise<ErasedRows>;

/** Rows of an account that are deleted without events of their own, such as sessions. */
export interface RowsWithoutEvents {
  /** How many of them one statement deletes at most. A commit that deletes the account takes no more either. */
  most(): number;
  /** A query with one row for each of them. */
  select(userId: string): SQL;
  /** The statements that delete the next of them, in the order in which they run. Each ends with its `WHERE`. */
  remove(userId: string): SQL[];
}
