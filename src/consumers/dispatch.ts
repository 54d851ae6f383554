import { type Envelope, toEnvelope } from '../cqrs/log/envelope';
import type { RecordedEvent, Subscription } from '../cqrs/log/event';

/** An event on its way to one subscription: the CloudEvent with `subscription` as an extension attribute. */
export type AddressedEnvelope = Envelope & { subscription: Subscription };

/** A queue for each of our handlers; `events` is for consumers that are not ours, where there are any. */
export type Queues = Readonly<Record<Exclude<Subscription, 'events'>, Queue<AddressedEnvelope>>> & {
  readonly events?: Queue<Envelope> | undefined;
};

export interface Addressed {
  subscription: Subscription;
  event: RecordedEvent;
}

/**
 * Sends each event to each of its subscriptions. Throws when a queue is down: the relay sends again what is not handled.
 * @param complete notes that deliveries need nothing more: those to other consumers' queue, once it has the message
 */
export type Dispatch = (deliveries: readonly Addressed[]) => Promise<void>;

/** Queues take 100 messages or 256 KB at once; our envelopes are below 2 KB. */
const messagesPerSend = 100;

function chunksOf<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / messagesPerSend) }, (_, index) =>
    items.slice(index * messagesPerSend, (index + 1) * messagesPerSend),
  );
}

export function createDispatch(
  queues: Queues,
  complete: (subscription: Subscription, positions: readonly number[]) => Promise<void>,
): Dispatch {
  async function send(subscription: Subscription, events: readonly RecordedEvent[]): Promise<void> {
    if (subscription !== 'events') {
      await queues[subscription].sendBatch(events.map((event) => ({ body: { ...toEnvelope(event), subscription } })));
      return;
    }
    // Whoever reads that queue does not report back: what it has taken is done. Without it nobody wants to know.
    await queues.events?.sendBatch(events.map((event) => ({ body: toEnvelope(event) })));
    await complete(
      subscription,
      events.map(({ position }) => position),
    );
  }

  return async (deliveries) => {
    const bySubscription = Map.groupBy(deliveries, ({ subscription }) => subscription);
    const sends = [...bySubscription].flatMap(([subscription, group]) =>
      chunksOf(group.map(({ event }) => event)).map((events) => send(subscription, events)),
    );
    // One queue that is down does not keep the others from being served.
    const failed = (await Promise.allSettled(sends)).find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  };
}
