import type { RecordedEvent } from '../cqrs/log/event';
import type { DeliveryClaim, Outbox } from '../cqrs/log/outbox';
import type { EmailLimiter } from '../email/email-limiter';
import { EmailError, type EmailMessage, type EmailSender } from '../email/email-sender';
import type { EmailReaction } from '../email/reaction';
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
  sender: EmailSender;
  limiter: EmailLimiter;
  reactions: ReadonlyMap<string, EmailReaction>;
}) {
  const { limiter, outbox, sender, reactions } = options;

  /** Composes the e-mail of an event; undefined without a recipient, and for an address that has just got another one. */
  async function compose(event: RecordedEvent): Promise<EmailMessage | undefined> {
    const composed = await reactions.get(event.type)?.(event);
    if (!composed) return undefined;
    const { limit, ...message } = composed;
    const { messageId, to } = message;
    const email = { address: to.email, messageId, occurredAt: Date.parse(event.occurredAt) };
    return (await limiter.allows(limit, email)) ? message : undefined;
  }

  /** Composes the message before the claim, so that the time of the claim is used for the provider alone. */
  async function handle(event: RecordedEvent): Promise<Outcome> {
    const message = await compose(event);
    const claim = await outbox.claim('emails', [event]);
    const result = claim.results.get(event.id);
    if (result === 'unknown') return { kind: 'obsolete' };
    if (result !== 'claimed') return { kind: result === 'claimed-elsewhere' ? 'later' : 'done' };
    try {
      if (message) await sender.send(message);
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
