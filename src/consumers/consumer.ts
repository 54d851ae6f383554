import { fromEnvelope, isOfAnotherEpoch, parseEnvelope } from '../cqrs/log/envelope';
import { type EventCatalogue, type EventKey, type RecordedEvent, type Subscription, upcast } from '../cqrs/log/event';
import type { DeliveryFailure } from '../cqrs/log/outbox';
import { describeError } from '../platform/failure';
import type { Logger } from '../platform/logger';
import { backoffMs } from '../platform/retry';
import { toFailure } from './failures';

/**
 * The outcome for one event.
 * - `done`: the work is finished.
 * - `obsolete`: the log does not have the event, because the database was restored to an earlier time.
 * - `later`: another consumer has the work; the queue tries again, after the time that the handler knows, if it does.
 * - `failed`: the queue tries again. `failures.ts` decides whether the failure counts.
 * - `refused`: the recipient of the work does not take it, and the handler has recorded that. Nobody tries again.
 * - `recorded`: the work failed, and the handler has recorded whether the queue, the relay or nobody tries again.
 */
export type Outcome =
  | { kind: 'done' }
  | { kind: 'obsolete' }
  | { kind: 'later'; retryInSeconds?: number }
  | { kind: 'failed'; error: unknown }
  | { kind: 'refused'; error: unknown }
  | { kind: 'recorded'; error: unknown; isRetriedByQueue: boolean };

/** The outcome of each event, by the event's id. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** A message together with the event in it. */
interface Received {
  message: Message;
  event: RecordedEvent;
}

export interface ConsumerOptions {
  subscription: Subscription;
  catalogue: EventCatalogue;
  epoch: string;
  logger: Logger;
  /** Handles events. After an exception each event is handled alone. */
  handle(events: readonly RecordedEvent[]): Promise<Outcomes>;
  recordFailure(event: EventKey, failure: DeliveryFailure, retryInSeconds: number): Promise<void>;
  random?: () => number;
}

/** A consumer acknowledges or retries each message alone, and never throws, because that would retry all messages. */
export type Consumer = (batch: MessageBatch) => Promise<void>;

const pauses = { firstMs: 2_000, longestMs: 300_000 };

/** The seconds until the next try; see {@link backoffMs}. */
export function backoffSeconds(attempts: number, random?: () => number): number {
  return Math.ceil(backoffMs(attempts, pauses, random) / 1000);
}

export function createConsumer(options: ConsumerOptions): Consumer {
  const { catalogue, epoch, logger, subscription } = options;

  /** Reads the event of a message; undefined for a message that is finished here, because it cannot be handled. */
  async function receive(message: Message): Promise<Received | undefined> {
    const delaySeconds = backoffSeconds(message.attempts, options.random);
    let event: RecordedEvent;
    try {
      const envelope = parseEnvelope(message.body);
      event = fromEnvelope(envelope);
      if (isOfAnotherEpoch(envelope, epoch)) {
        await settle({ message, event }, { kind: 'obsolete' });
        return undefined;
      }
    } catch (error) {
      // No retry makes this message readable. After the last one it goes to the dead-letter queue, which logs it.
      logger.warn('message.unreadable', { subscription, messageId: message.id, error: describeError(error) });
      message.retry({ delaySeconds });
      return undefined;
    }
    try {
      return { message, event: upcast(catalogue, event) };
    } catch (error) {
      await settle({ message, event }, { kind: 'failed', error });
      return undefined;
    }
  }

  /** Acknowledges or retries a message, as its outcome says. */
  async function settle({ message, event }: Received, outcome: Outcome): Promise<void> {
    const { requestId, traceparent } = event.metadata;
    const origin = { subscription, position: event.position, requestId, traceparent };
    const delaySeconds = backoffSeconds(message.attempts, options.random);
    if (outcome.kind === 'obsolete') logger.warn('message.obsolete', origin);
    if (outcome.kind === 'refused') logger.warn('message.refused', { ...origin, error: describeError(outcome.error) });
    if (outcome.kind === 'failed' || outcome.kind === 'recorded') {
      const failure = toFailure(outcome.error);
      logger.warn('message.failed', { ...origin, attempts: message.attempts, ...failure });
      // If this record fails, no work is lost, because the queue retries the message in any case.
      if (outcome.kind === 'failed') await options.recordFailure(event, failure, delaySeconds).catch(() => {});
    }
    const isFinished =
      outcome.kind === 'done' ||
      outcome.kind === 'obsolete' ||
      outcome.kind === 'refused' ||
      (outcome.kind === 'recorded' && !outcome.isRetriedByQueue);
    if (isFinished) message.ack();
    else
      message.retry({ delaySeconds: (outcome.kind === 'later' ? outcome.retryInSeconds : undefined) ?? delaySeconds });
  }

  return async (batch) => {
    const all = await Promise.all(batch.messages.map(receive));
    const received = all.filter((item) => item !== undefined);
    if (received.length === 0) return;
    const outcomes = await handleAll(options, received);
    const counts = { done: 0, obsolete: 0, later: 0, refused: 0, failed: 0 };
    for (const item of received) {
      const outcome = outcomes.get(item.event.id) ?? { kind: 'later' };
      counts[outcome.kind === 'recorded' ? 'failed' : outcome.kind]++;
      await settle(item, outcome);
    }
    logger.info('batch.handled', { subscription, messages: batch.messages.length, ...counts });
  };
}

/** Handles all events together. If the batch fails, each event is handled alone, so that a bad event stops no other. */
async function handleAll({ handle }: ConsumerOptions, received: readonly Received[]): Promise<Outcomes> {
  const events = [...new Map(received.map(({ event }) => [event.id, event])).values()];
  try {
    return await handle(events);
  } catch (error) {
    if (events.length === 1) return new Map(events.map(({ id }) => [id, { kind: 'failed', error }]));
  }
  const outcomes = new Map<string, Outcome>();
  for (const event of events) {
    try {
      for (const [id, outcome] of await handle([event])) outcomes.set(id, outcome);
    } catch (error) {
      outcomes.set(event.id, { kind: 'failed', error });
    }
  }
  return outcomes;
}
