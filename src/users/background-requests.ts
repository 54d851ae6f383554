import type { RecordedEvent } from '../cqrs/log/event';
import { EmailConfirmationRequested, UserDeleted } from './events';

// The audit trail finds the events of work in the background by these ids, which no client can choose: X-Request-Id has no colon.

/** The request id of a step of an erasure. */
export const erasureRequest = (userId: string, step: number) => `erasure:${userId}:${step}`;

/** The request id of the end of a change of an address that nobody has confirmed. */
export const expiryRequest = (confirmationId: string) => `expiry:${confirmationId}`;

/** Steps of an erasure whose events are shown beside the deletion. */
const stepsShown = 10;

/** The requests in the background that an event leads to; of an erasure the first steps. */
export function laterRequestsOf({ type, streamId, data }: RecordedEvent): string[] {
  if (type === UserDeleted.type) return Array.from({ length: stepsShown }, (_, step) => erasureRequest(streamId, step));
  if (type !== EmailConfirmationRequested.type) return [];
  // The definition of the event has this data.
  return [expiryRequest((data as { confirmationId: string }).confirmationId)];
}
