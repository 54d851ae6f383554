import { type RecordedEvent, UnreadableEventError } from '../cqrs/log/event';
import type { DeliveryClaim, Outbox } from '../cqrs/log/outbox';
import { EmailError } from '../email/email-sender';
import type { Effect, NotificationService } from '../notifications/notification-service';
import type { FindAccount } from '../notifications/notified-account';
import type { Reaction } from '../notifications/reaction';
import { describeError } from '../platform/failure';
import type { Outcome, Outcomes } from './consumer';
import { toFailure } from './failures';

/**
 * Sends the e-mail of each event once. A claim on the delivery keeps duplicates away, and the delivery is deleted after
 * the provider has accepted the e-mail. An e-mail is sent twice only if the process dies between these two moments, or
 * if nobody knows whether the provider accepted it.
 */
export function createEmailHandler(options: {
  outbox: Outbox;
  reactions: ReadonlyMap<string, Reaction>;
  findAccount: FindAccount;
  notifications: NotificationService;
}) {
  const { findAccount, notifications, outbox, reactions } = options;

  /** Prepares the e-mail of an event; undefined without a receiver who wants it and may get it. */
  async function prepare(event: RecordedEvent): Promise<Effect | undefined> {
    const react = reactions.get(event.type);
    // A newer version has made this delivery, and sends its e-mail.
    if (!react) throw new UnreadableEventError(`No e-mail follows the event type ${event.type} in this release.`);
    const notification = await react(event);
    const account = notification && (await findAccount(notification.userId));
    if (!account) return undefined;
    return notifications.notify(account, notification, { eventId: event.id, occurredAt: Date.parse(event.occurredAt) });
  }

  /** Prepares the e-mail before the claim, so that the time of the claim is used for the provider alone. */
  async function handle(event: RecordedEvent): Promise<Outcome> {
    const send = await prepare(event);
    const claim = await outbox.claim('emails', [event]);
    const result = claim.results.get(event.id);
    if (result === 'unknown') return { kind: 'obsolete' };
    if (result !== 'claimed') return { kind: result === 'claimed-elsewhere' ? 'later' : 'done' };
    try {
      await send?.();
    } catch (error) {
      return handleFailure(event, claim, error);
    }
    await outbox.complete('emails', [event]);
    return { kind: 'done' };
  }

  async function handleFailure(event: RecordedEvent, claim: DeliveryClaim, error: unknown): Promise<Outcome> {
    const isRefusal = error instanceof EmailError;
    if (isRefusal && error.refusal !== 'for-now') {
      const isOfRecipient = error.refusal === 'recipient';
      await outbox.markDead('emails', [event], describeError(error), isOfRecipient ? 'recipient' : undefined);
      return isOfRecipient ? { kind: 'refused', error } : { kind: 'recorded', error, isRetriedByQueue: false };
    }
    if (toFailure(error).fault === 'own') return { kind: 'failed', error };
    // No guess: unless the provider refused the e-mail, it may have accepted it, and a second e-mail must not begin
    // while the first may still be on its way. So the claim stays until it runs out.
    if (isRefusal) await outbox.release('emails', event, claim);
    const triesAgain = await outbox.putOff('emails', event, describeError(error), isRefusal ? 'refused' : 'unclear');
    return { kind: 'recorded', error, isRetriedByQueue: triesAgain === 'queue' };
  }

  return async (events: readonly RecordedEvent[]): Promise<Outcomes> => {
    const outcomes = new Map<string, Outcome>();
    for (const event of events) {
      // One failure does not make the consumer handle the whole batch again, with the e-mails that were put off.
      outcomes.set(event.id, await handle(event).catch((error) => ({ kind: 'failed', error })));
    }
    return outcomes;
  };
}
