import type { RecordedEvent } from '../cqrs/log/event';
import type { EmailMessage } from './email-sender';

/** Writes the e-mail that an event calls for, from the state of now; undefined when there is nobody to write to. */
export type EmailReaction = (event: RecordedEvent) => Promise<EmailMessage | undefined>;
