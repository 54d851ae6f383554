import type { RecordedEvent } from '../cqrs/log/event';
import type { Deliveries } from '../cqrs/log/outbox';
import { EmailError, type EmailMessage, type EmailSender } from '../email/email-sender';
import { describeError, type Outcome } from './consumer';

/** Writes the e-mail that an event calls for, from what is true now; undefined when there is nobody to write to. */
export type EmailReaction = (event: RecordedEvent) => Promise<EmailMessage | undefined>;

/**
 * Sends each event's e-mail once: a claim on the delivery keeps duplicates away, and the delivery is deleted
 * after the provider's yes. Only a death between the two sends it twice.
 */
export function createEmailHandler(options: {
  deliveries: Deliveries;
  sender: EmailSender;
  reactions: ReadonlyMap<string, EmailReaction>;
}) {
  const { deliveries, sender, reactions } = options;

  /** The message is written before the claim: between the claim and the provider nothing may take its time. */
  async function handle(event: RecordedEvent): Promise<Outcome> {
    const { position } = event;
    const message = await reactions.get(event.type)?.(event);
    const claim = await deliveries.claim('emails', [position]);
    const result = claim.results.get(position);
    if (result !== 'won') return { kind: result === 'busy' ? 'later' : 'done' };
    try {
      if (message) await sender.send(message);
    } catch (error) {
      await deliveries.release('emails', position, claim);
      if (!(error instanceof EmailError && error.permanent)) return { kind: 'failed', error };
      await deliveries.bury('emails', [position], describeError(error));
      return { kind: 'done' };
    }
    await deliveries.complete('emails', [position]);
    return { kind: 'done' };
  }

  return async (events: readonly RecordedEvent[]): Promise<Map<number, Outcome>> => {
    const outcomes = new Map<number, Outcome>();
    for (const event of events) outcomes.set(event.position, await handle(event));
    return outcomes;
  };
}
