import type { RecordedEvent } from '../cqrs/log/event';
import type { Outbox } from '../cqrs/log/outbox';
import { EmailError, type EmailSender } from '../email/email-sender';
import type { EmailReaction } from '../email/reaction';
import { describeError } from '../platform/failure';
import type { Outcome } from './consumer';

/**
 * Sends the e-mail of each event once. A claim on the delivery keeps duplicates away, and the delivery is deleted after
 * the provider has accepted the e-mail. An e-mail is sent twice only if the process dies between these two moments.
 */
export function createEmailHandler(options: {
  outbox: Outbox;
  sender: EmailSender;
  reactions: ReadonlyMap<string, EmailReaction>;
}) {
  const { outbox, sender, reactions } = options;

  /** Composes the message before the claim, so that the time of the claim is used for the provider alone. */
  async function handle(event: RecordedEvent): Promise<Outcome> {
    const { position } = event;
    const message = await reactions.get(event.type)?.(event);
    const claim = await outbox.claim('emails', [position]);
    const result = claim.results.get(position);
    if (result !== 'claimed') return { kind: result === 'claimed-elsewhere' ? 'later' : 'done' };
    try {
      if (message) await sender.send(message);
    } catch (error) {
      await outbox.release('emails', position, claim);
      if (!(error instanceof EmailError && error.permanent)) return { kind: 'failed', error };
      await outbox.markDead('emails', [position], describeError(error));
      return { kind: 'done' };
    }
    await outbox.complete('emails', [position]);
    return { kind: 'done' };
  }

  return async (events: readonly RecordedEvent[]): Promise<Map<number, Outcome>> => {
    const outcomes = new Map<number, Outcome>();
    for (const event of events) outcomes.set(event.position, await handle(event));
    return outcomes;
  };
}
