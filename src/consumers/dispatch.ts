import { type Envelope, toEnvelope } from '../cqrs/envelope';
import type { RecordedEvent, Subscription } from '../cqrs/event';

/** An event on its way to one subscription: the CloudEvent with `subscription` as an extension attribute. */
export type AddressedEnvelope = Envelope & { subscription: Subscription };

export type Queues = Readonly<Record<Subscription, Queue<AddressedEnvelope>>>;

/** Queues take 100 messages or 256 KB at once; our envelopes are below 2 KB. */
const messagesPerSend = 100;

/** Sends each event to each of its subscriptions. Throws when a queue is down: the relay sends again what is not handled. */
export async function dispatch(
  queues: Queues,
  deliveries: readonly { subscription: Subscription; event: RecordedEvent }[],
): Promise<void> {
  const bySubscription = Map.groupBy(deliveries, ({ subscription }) => subscription);
  const sends = [...bySubscription].flatMap(([subscription, group]) => {
    const messages = group.map(({ event }) => ({ body: { ...toEnvelope(event), subscription } }));
    const chunks = Array.from({ length: Math.ceil(messages.length / messagesPerSend) }, (_, index) =>
      messages.slice(index * messagesPerSend, (index + 1) * messagesPerSend),
    );
    return chunks.map((chunk) => queues[subscription].sendBatch(chunk));
  });
  // One queue that is down does not keep the others from being served.
  const failed = (await Promise.allSettled(sends)).find((send) => send.status === 'rejected');
  if (failed) throw failed.reason;
}
