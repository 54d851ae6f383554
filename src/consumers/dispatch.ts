import { type Envelope, toEnvelope } from '../cqrs/log/envelope';
import type { RecordedEvent, Subscription } from '../cqrs/log/event';
import { limits } from '../platform/limits';

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

/**
 * Sends each event to the queue of its subscription.
 * @throws the error of a queue that cannot be reached; the relay sends its deliveries again
 */
export type Dispatch = (deliveries: readonly AddressedEvent[]) => Promise<void>;

function chunksOf<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / limits.messagesPerSend) }, (_, index) =>
    items.slice(index * limits.messagesPerSend, (index + 1) * limits.messagesPerSend),
  );
}

/** @param complete records that deliveries are done */
export function createDispatch(
  queues: Queues,
  complete: (subscription: Subscription, positions: readonly number[]) => Promise<void>,
): Dispatch {
  async function send(subscription: Subscription, events: readonly RecordedEvent[]): Promise<void> {
    if (subscription !== 'events') {
      await queues[subscription].sendBatch(events.map((event) => ({ body: { ...toEnvelope(event), subscription } })));
      return;
    }
    // Other teams report no result, so a delivery is done when their queue has its message. The queue is optional.
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
    // A queue that cannot be reached does not stop the sends to the other queues.
    const failed = (await Promise.allSettled(sends)).find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  };
}
