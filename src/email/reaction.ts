import type { RecordedEvent } from '../cqrs/log/event';
import type { EmailLimit } from './email-limiter';
import type { EmailMessage } from './email-sender';

/** An e-mail that follows an event. */
export interface ReactionEmail extends EmailMessage {
  /** The limit for the address of this e-mail. Anybody can make the event, so each of them has one. */
  limit: EmailLimit;
}

/** Composes the e-mail that follows an event, from the current state; undefined when there is no recipient any more. */
export type EmailReaction = (event: RecordedEvent) => Promise<ReactionEmail | undefined>;
