import type { Deliveries } from '../cqrs/deliveries';
import type { RecordedEvent } from '../cqrs/event';
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

  async function send(event: RecordedEvent): Promise<Outcome> {
    try {
      const message = await reactions.get(event.type)?.(event);
      if (message) await sender.send(message);
    } catch (error) {
      if (!(error instanceof EmailError && error.permanent)) return { kind: 'failed', error };
      await deliveries.bury('emails', [event.position], describeError(error));
      return { kind: 'done' };
    }
    await deliveries.complete('emails', [event.position]);
    return { kind: 'done' };
  }

  return async (events: readonly RecordedEvent[]): Promise<Map<number, Outcome>> => {
    const outcomes = new Map<number, Outcome>();
    for (const event of events) {
      const claim = (await deliveries.claim('emails', [event.position])).get(event.position);
      if (claim === 'won') outcomes.set(event.position, await send(event));
      else outcomes.set(event.position, { kind: claim === 'busy' ? 'later' : 'done' });
    }
    return outcomes;
  };
}
