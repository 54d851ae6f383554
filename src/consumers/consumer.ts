import { fromEnvelope } from '../cqrs/log/envelope';
import { type EventCatalogue, type RecordedEvent, type Subscription, upcast } from '../cqrs/log/event';
import type { Logger } from '../platform/logger';

/** What a handler says of one event: handled, to be tried later, or failed. */
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
  /** Handles a batch; every event gets an outcome of its own. Throwing fails them all. */
  handle(events: readonly RecordedEvent[]): Promise<ReadonlyMap<number, Outcome>>;
  recordFailure(position: number, error: string, retryInSeconds: number): Promise<void>;
  random?: () => number;
}

/** A consumer of one queue: acknowledges or retries each message on its own, and never throws out of the batch. */
export type Consumer = (batch: MessageBatch) => Promise<void>;

const maxDelaySeconds = 300;

/** Exponential backoff with full jitter on its upper half, in whole seconds; `attempts` starts at 1. */
export function backoffSeconds(attempts: number, random: () => number = Math.random): number {
  const ceiling = Math.min(maxDelaySeconds, 2 ** attempts);
  return Math.ceil(ceiling / 2 + (ceiling / 2) * random());
}

/** An error's class and code, but not its message: that may quote what a person typed. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const code = 'code' in error && typeof error.code === 'string' ? `: ${error.code}` : '';
  return `${error.name}${code}`;
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
      // Losing this note loses nothing: the queue retries all the same.
      await options.recordFailure(event.position, error, delaySeconds).catch(() => {});
    }
    message.retry({ delaySeconds });
  }

  return async (batch) => {
    const received = batch.messages.flatMap((message) => {
      try {
        return [{ message, event: upcast(catalogue, fromEnvelope(message.body)) }];
      } catch (error) {
        // A message that can't be read never will be: the retries lead it to the dead letters, where it is visible.
        logger.warn('message.unreadable', { subscription, messageId: message.id, error: describeError(error) });
        message.retry({ delaySeconds: backoffSeconds(message.attempts, options.random) });
        return [];
      }
    });
    if (received.length === 0) return;
    const outcomes = await handleIsolated(options, received);
    const settled = { done: 0, later: 0, failed: 0 };
    for (const item of received) {
      const outcome = outcomes.get(item.event.position) ?? { kind: 'later' };
      settled[outcome.kind]++;
      if (outcome.kind === 'done') item.message.ack();
      else await retry(item, outcome);
    }
    logger.info('batch.handled', { subscription, messages: batch.messages.length, ...settled });
  };
}

/** When a whole batch fails, each event is tried alone, so that one bad event does not hold up the others. */
async function handleIsolated({ handle }: ConsumerOptions, received: readonly Received[]) {
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
