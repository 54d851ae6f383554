import type { SQL } from 'drizzle-orm';
import type { NewEvent } from '../cqrs/log/event';
import type { Trigger } from '../cqrs/reading/view';

// What other domains contribute to an account. Each domain offers its part, and domains.ts joins the parts, so that the
// users domain knows none of them.

/** A figure on an account's document that a domain counts. */
export interface AccountCount {
  /** The expression that counts, for the row of `users` that the query reads; write the column out as `users.id`. */
  count: SQL<number>;
  /** The events that change the figure, each with the account that it affects. */
  triggers: readonly Trigger[];
}

/** What a domain does when an account is deleted: it stages its changes and returns the events to record. */
export type AccountDeletionHandler = (userId: string) => Promise<NewEvent[]>;
