import { type Envelope, type Origin, toEnvelope } from '../cqrs/log/envelope';
import type { RecordedEvent, Subscription } from '../cqrs/log/event';
import type { Outbox } from '../cqrs/log/outbox';
import { limits } from '../platform/limits';
import type { Logger } from '../platform/logger';
import { jsonBytes, splitBySize } from '../platform/split';

/** A message to a queue of Frontdesk: the CloudEvent, with `subscription` as an extension attribute. */
export type AddressedEnvelope = Envelope & { subscription: Subscription };

/** The queue of each subscription. The queue `events` is for other teams, and exists only if another team reads it. */
export type Queues = Readonly<Record<Exclude<Subscription, 'events'>, Queue<AddressedEnvelope>>> & {
  readonly events?: Queue<Envelope> | undefined;
};

/** An event for one subscription. */
export interface AddressedEvent {
  subscription: Subscription;
  event: RecordedEvent;
}

/** Events that a queue did not take, or for which this is not certain, and the queue's error. */
export interface Unsent {
  subscription: Subscription;
  events: readonly RecordedEvent[];
  error: unknown;
}

/** Sends each event to the queue of its subscription, and returns what was not sent; the relay sends these again. */
export type Dispatch = (deliveries: readonly AddressedEvent[]) => Promise<Unsent[]>;

/** An event and its message. */
interface Outgoing {
  event: RecordedEvent;
  envelope: Envelope;
  bytes: number;
}

export function createDispatch(options: {
  queues: Queues;
  origin: Origin;
  outbox: Pick<Outbox, 'complete' | 'markDead'>;
  logger: Logger;
}): Dispatch {
  const { queues, origin, outbox, logger } = options;

  function toOutgoing(subscription: Subscription, event: RecordedEvent): Outgoing {
    // Other teams get the CloudEvent alone.
    const envelope = { ...toEnvelope(event, origin), ...(subscription === 'events' ? {} : { subscription }) };
    return { event, envelope, bytes: jsonBytes(envelope) };
  }

  async function send(subscription: Subscription, messages: readonly Outgoing[]): Promise<void> {
    // The envelopes of every subscription but `events` are addressed.
    const queue = queues[subscription] as Queue<Envelope> | undefined;
    await queue?.sendBatch(messages.map(({ envelope }) => ({ body: envelope })));
    // Other teams report no result, so a delivery is done when their queue has its message. The queue is optional.
    if (subscription === 'events')
      await outbox.complete(
        subscription,
        messages.map(({ event }) => event),
      );
  }

  /** Makes a dead letter of an event that no queue takes, so that it is visible and holds up no other. */
  async function giveUp(subscription: Subscription, { event, bytes }: Outgoing): Promise<void> {
    logger.error('message.too-large', undefined, { subscription, position: event.position, bytes });
    await outbox.markDead(subscription, [event], 'MessageTooLarge');
  }

  return async (deliveries) => {
    const unsent: Unsent[] = [];
    const tasks: Promise<void>[] = [];
    /** A send that fails does not stop the other sends. */
    const run = (subscription: Subscription, messages: readonly Outgoing[], work: Promise<void>) => {
      const events = messages.map(({ event }) => event);
      tasks.push(work.catch((error) => void unsent.push({ subscription, events, error })));
    };
    for (const [subscription, group] of Map.groupBy(deliveries, (delivery) => delivery.subscription)) {
      const messages = group.map(({ event }) => toOutgoing(subscription, event));
      const tooLarge = messages.filter(({ bytes }) => bytes > limits.bytesPerMessage);
      const fitting = messages.filter(({ bytes }) => bytes <= limits.bytesPerMessage);
      const sends = splitBySize(fitting, ({ bytes }) => bytes, limits.bytesPerSend, limits.messagesPerSend);
      for (const message of tooLarge) run(subscription, [message], giveUp(subscription, message));
      for (const sent of sends) run(subscription, sent, send(subscription, sent));
    }
    await Promise.all(tasks);
    return unsent;
  };
}
