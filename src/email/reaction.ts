import type { RecordedEvent } from '../cqrs/log/event';
import type { EmailMessage } from './email-sender';

/** Composes the e-mail that follows an event, from the current state; undefined when there is no recipient any more. */
export type EmailReaction = (event: RecordedEvent) => Promise<EmailMessage | undefined>;
