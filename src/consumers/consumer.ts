import { fromEnvelope } from '../cqrs/log/envelope';
import { type EventCatalogue, type RecordedEvent, type Subscription, upcast } from '../cqrs/log/event';
import { describeError } from '../platform/failure';
import type { Logger } from '../platform/logger';

/** The outcome for one event: `done`, to be tried again `later`, or `failed`. */
export type Outcome = { kind: 'done' } | { kind: 'later' } | { kind: 'failed'; error: unknown };

/** A message together with the event in it. */
export interface Received {
  message: Message;
  event: RecordedEvent;
}

export interface ConsumerOptions {
  subscription: Subscription;
  catalogue: EventCatalogue;
  logger: Logger;
  /** Returns the outcome of each event by its position. After an exception each event is handled alone. */
  handle(events: readonly RecordedEvent[]): Promise<ReadonlyMap<number, Outcome>>;
  recordFailure(position: number, error: string, retryInSeconds: number): Promise<void>;
  random?: () => number;
}

/** A consumer acknowledges or retries each message alone, and never throws, because that would retry all messages. */
export type Consumer = (batch: MessageBatch) => Promise<void>;

const maxDelaySeconds = 300;

/** The seconds until the next try: exponential backoff whose upper half is random. `attempts` starts at 1. */
export function backoffSeconds(attempts: number, random: () => number = Math.random): number {
  const ceiling = Math.min(maxDelaySeconds, 2 ** attempts);
  return Math.ceil(ceiling / 2 + (ceiling / 2) * random());
}

export function createConsumer(options: ConsumerOptions): Consumer {
  const { catalogue, logger, subscription } = options;

  async function retry({ message, event }: Received, outcome: Exclude<Outcome, { kind: 'done' }>) {
    const delaySeconds = backoffSeconds(message.attempts, options.random);
    if (outcome.kind === 'failed') {
      const error = describeError(outcome.error);
      const { requestId, traceparent } = event.metadata;
      const origin = { position: event.position, requestId, traceparent };
      logger.warn('message.failed', { subscription, ...origin, attempts: message.attempts, error });
      // If this record fails, no work is lost, because the queue retries the message in any case.
      await options.recordFailure(event.position, error, delaySeconds).catch(() => {});
    }
    message.retry({ delaySeconds });
  }

  return async (batch) => {
    const received = batch.messages.flatMap((message) => {
      try {
        return [{ message, event: upcast(catalogue, fromEnvelope(message.body)) }];
      } catch (error) {
        // No retry makes this message readable. After the last one the message is a dead letter, which operators see.
        logger.warn('message.unreadable', { subscription, messageId: message.id, error: describeError(error) });
        message.retry({ delaySeconds: backoffSeconds(message.attempts, options.random) });
        return [];
      }
    });
    if (received.length === 0) return;
    const outcomes = await handleAll(options, received);
    const counts = { done: 0, later: 0, failed: 0 };
    for (const item of received) {
      const outcome = outcomes.get(item.event.position) ?? { kind: 'later' };
      counts[outcome.kind]++;
      if (outcome.kind === 'done') item.message.ack();
      else await retry(item, outcome);
    }
    logger.info('batch.handled', { subscription, messages: batch.messages.length, ...counts });
  };
}

/** Handles all events together. If the batch fails, each event is handled alone, so that a bad event stops no other. */
async function handleAll({ handle }: ConsumerOptions, received: readonly Received[]) {
  const events = [...new Map(received.map(({ event }) => [event.position, event])).values()];
  try {
    return await handle(events);
  } catch (error) {
    if (events.length === 1)
      return new Map(events.map(({ position }) => [position, { kind: 'failed', error } as const]));
  }
  const outcomes = new Map<number, Outcome>();
  for (const event of events) {
    try {
      for (const [position, outcome] of await handle([event])) outcomes.set(position, outcome);
    } catch (error) {
      outcomes.set(event.position, { kind: 'failed', error });
    }
  }
  return outcomes;
}
