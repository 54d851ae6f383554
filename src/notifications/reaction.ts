import type { RecordedEvent } from '../cqrs/log/event';
import type { Notification } from './notification';

/** The notification that follows an event; undefined for an event of which nobody is told. */
export type Reaction = (event: RecordedEvent) => Promise<Notification | undefined> | Notification | undefined;
