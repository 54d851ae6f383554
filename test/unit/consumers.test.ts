import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import {
  backoffSeconds,
  type ConsumerOptions,
  createConsumer,
  type Outcome,
  type Outcomes,
} from '../../src/consumers/consumer';
import { createDeadLetterConsumer } from '../../src/consumers/dead-letters';
import { toEnvelope } from '../../src/cqrs/log/envelope';
import { createEventCatalogue, defineEvent, type EventKey, type RecordedEvent } from '../../src/cqrs/log/event';
import type { DeliveryFailure, Outbox } from '../../src/cqrs/log/outbox';
import { DomainError } from '../../src/platform/errors';
import type { Logger } from '../../src/platform/logger';

const Renamed = defineEvent({ type: 'Renamed', streamType: 'thing', schema: z.strictObject({ label: z.string() }) });

function anEvent(position: number): RecordedEvent {
  return {
    ...Renamed.create('a', position, { label: 'x' }),
    position,
    id: `event-${position}`,
    metadata: { commandId: 'c', requestId: 'r' },
    occurredAt: '2026-01-01T00:00:00.000Z',
  };
}

/** The body of a message of the current epoch. */
function aBody(position: number) {
  return toEnvelope(anEvent(position), {
    epoch: '1',
    source: 'https://shop.example',
    publicUrl: 'https://api.shop.example',
  });
}

/** The same outcome for each event. */
function outcomes(events: readonly EventKey[], outcome: Outcome = { kind: 'done' }): Outcomes {
  return new Map(events.map(({ id }) => [id, outcome]));
}

/** A message, and what the consumer did with it. */
function aMessage(body: unknown, attempts = 2) {
  const calls: string[] = [];
  const message = {
    id: 'm',
    timestamp: new Date(0),
    attempts,
    body,
    ack: () => void calls.push('ack'),
    retry: ({ delaySeconds }: { delaySeconds: number }) => void calls.push(`retry in ${delaySeconds} s`),
  };
  // Only what a consumer uses of a message.
  return { message: message as unknown as Message, calls };
}

/** A logger that keeps the names of its warnings and errors. */
function createLog() {
  const entries: string[] = [];
  const keep = (event: string) => void entries.push(event);
  const logger: Logger = { info() {}, warn: keep, error: keep, child: () => logger };
  return { entries, logger };
}

/** A consumer of a batch of messages; `handle` is what it does with the events. */
async function consume(bodies: readonly unknown[], overrides: Partial<ConsumerOptions>) {
  const failures: [number, DeliveryFailure, number][] = [];
  const { entries, logger } = createLog();
  const consumer = createConsumer({
    subscription: 'projections',
    catalogue: createEventCatalogue([Renamed]),
    epoch: '1',
    logger,
    random: () => 0,
    handle: async (events) => outcomes(events),
    recordFailure: async ({ position }, ...failure) => void failures.push([position, ...failure]),
    ...overrides,
  });
  const messages = bodies.map((body) => aMessage(body));
  // Only what a consumer uses of a batch.
  await consumer({ messages: messages.map(({ message }) => message) } as unknown as MessageBatch);
  return { calls: messages.map(({ calls }) => calls), entries, failures };
}

describe('a consumer (product 7.3)', () => {
  test('a consumer handles a good event although another message cannot be read and another event fails', async () => {
    const bodies = [{ what: 1 }, aBody(7), aBody(8)];
    const { calls, failures } = await consume(bodies, {
      async handle(events) {
        if (events.some(({ position }) => position === 8)) throw new Error('The document store is away.');
        return outcomes(events);
      },
    });
    expect(calls).toEqual([['retry in 2 s'], ['ack'], ['retry in 2 s']]);
    expect(failures).toEqual([[8, { error: 'Error', fault: 'platform' }, 2]]);
  });

  test('a consumer retries an event that is to be handled later, and records no failure', async () => {
    const { calls, failures } = await consume([aBody(7)], {
      handle: async (events) => outcomes(events, { kind: 'later' }),
    });
    expect([calls, failures]).toEqual([[['retry in 2 s']], []]);
  });

  test('a consumer retries an event after the wait that its handler names', async () => {
    const { calls, failures } = await consume([aBody(7)], {
      handle: async (events) => outcomes(events, { kind: 'later', retryInSeconds: 0 }),
    });
    expect([calls, failures]).toEqual([[['retry in 0 s']], []]);
  });

  test('a consumer retries an event for which its handler returned nothing', async () => {
    const { calls } = await consume([aBody(7)], { handle: async () => new Map() });
    expect(calls).toEqual([['retry in 2 s']]);
  });

  test('a consumer records the failure of one event without the message of the error', async () => {
    const { calls, failures } = await consume([aBody(7), aBody(8)], {
      handle: async () =>
        new Map<string, Outcome>([
          [
            'event-7',
            { kind: 'failed', error: new DomainError('invalid', 'email.refused', 'ada@example.com is unknown.', {}) },
          ],
          ['event-8', { kind: 'done' }],
        ]),
    });
    expect(calls).toEqual([['retry in 2 s'], ['ack']]);
    expect(failures).toEqual([[7, { error: 'DomainError: email.refused', fault: 'platform' }, 2]]);
  });

  test('a consumer acknowledges both messages of an event that arrived twice, and handles it once (product 7.2)', async () => {
    const handled: number[] = [];
    const { calls } = await consume([aBody(7), aBody(7)], {
      async handle(events) {
        handled.push(...events.map(({ position }) => position));
        return outcomes(events);
      },
    });
    expect([calls, handled]).toEqual([[['ack'], ['ack']], [7]]);
  });

  test('a consumer retries a message also when the failure cannot be recorded', async () => {
    const { calls } = await consume([aBody(7)], {
      handle: async (events) => outcomes(events, { kind: 'failed', error: new Error('away') }),
      recordFailure: async () => {
        throw new Error('D1 is away too.');
      },
    });
    expect(calls).toEqual([['retry in 2 s']]);
  });

  test('a consumer waits exponentially longer with each attempt, with jitter, up to five minutes', () => {
    expect([1, 2, 3, 20].map((attempts) => backoffSeconds(attempts, () => 0))).toEqual([1, 2, 4, 150]);
    expect([1, 2, 3, 20].map((attempts) => backoffSeconds(attempts, () => 1))).toEqual([2, 4, 8, 300]);
  });

  test('a consumer acknowledges a message of another epoch without handling it, and logs it', async () => {
    const handled: number[] = [];
    const { calls, entries, failures } = await consume([{ ...aBody(7), epoch: '0' }, aBody(8)], {
      async handle(events) {
        handled.push(...events.map(({ position }) => position));
        return outcomes(events);
      },
    });
    expect(calls).toEqual([['ack'], ['ack']]);
    expect([handled, entries, failures]).toEqual([[8], ['message.obsolete'], []]);
  });

  test('a consumer handles a message without an epoch, which an earlier version sent', async () => {
    const { epoch: _, ...body } = aBody(7);
    const { calls, entries } = await consume([body], { handle: async (events) => outcomes(events) });
    expect([calls, entries]).toEqual([[['ack']], []]);
  });

  test('a consumer acknowledges an event that the log does not have, and logs it', async () => {
    const handle = async (events: readonly EventKey[]) => outcomes(events, { kind: 'obsolete' });
    const { calls, entries, failures } = await consume([aBody(7)], { handle });
    expect([calls, entries, failures]).toEqual([[['ack']], ['message.obsolete'], []]);
  });

  test('a consumer tells two events of the same position apart', async () => {
    const other = { ...aBody(7), id: 'other' };
    const { calls } = await consume([other, aBody(7)], {
      handle: async (events) =>
        new Map(events.map(({ id }) => [id, { kind: id === 'other' ? 'done' : 'failed', error: 0 }])),
    });
    expect(calls).toEqual([['ack'], ['retry in 2 s']]);
    const swapped = await consume([aBody(7), other], {
      handle: async (events) =>
        new Map(events.map(({ id }) => [id, { kind: id === 'other' ? 'failed' : 'done', error: 0 }])),
    });
    expect(swapped.calls).toEqual([['ack'], ['retry in 2 s']]);
  });

  test('a consumer leaves an event that this release cannot read to a newer version', async () => {
    const { calls, failures } = await consume([{ ...aBody(7), type: 'frontdesk.Unknown' }, aBody(8)], {});
    expect(calls).toEqual([['retry in 2 s'], ['ack']]);
    expect(failures).toEqual([[7, { error: 'UnreadableEventError', fault: 'platform' }, 2]]);
  });

  test.each([
    [true, 'retry in 2 s'],
    [false, 'ack'],
  ])('a failure that the handler has recorded is retried by the queue: %s', async (isRetriedByQueue, expected) => {
    const outcome: Outcome = { kind: 'recorded', error: new Error('later'), isRetriedByQueue };
    const { calls, entries, failures } = await consume([aBody(7)], {
      handle: async (events) => outcomes(events, outcome),
    });
    expect([calls, entries, failures]).toEqual([[[expected]], ['message.failed'], []]);
  });
});

describe('the consumer of the dead-letter queue (product 7.3)', () => {
  /** Gives a message to the consumer; `bury` is what the outbox does. */
  async function consumeDead(body: unknown, bury: Outbox['bury']) {
    const { entries, logger } = createLog();
    const { message, calls } = aMessage(body);
    // The consumer uses nothing else of the outbox and of the batch.
    const consumer = createDeadLetterConsumer({ bury } as unknown as Outbox, '1', logger);
    await consumer({ messages: [message] } as unknown as MessageBatch);
    return { calls: calls.map((call) => call.split(' ')[0]), entries };
  }
  const letter = { ...aBody(7), subscription: 'emails' };

  test.each([
    ['a delivery that failed by its own fault', letter, true, ['dead-letter.stored']],
    ['a delivery without a fault of its own', letter, false, []],
    ['a message that is not an envelope', { garbage: 1 }, true, ['dead-letter.unreadable']],
    ['a message without the id of its event', { ...letter, id: undefined }, true, ['dead-letter.unreadable']],
    ['a message of another epoch', { ...letter, epoch: '0' }, true, ['message.obsolete']],
  ])('%s is acknowledged, and the log says what became of it', async (_, body, isDead, expected) => {
    const { calls, entries } = await consumeDead(body, async () => isDead);
    expect([calls, entries]).toEqual([['ack'], expected]);
  });

  test('a dead letter that cannot be stored is tried again', async () => {
    const bury = () => Promise.reject(new Error('D1 is away.'));
    expect(await consumeDead(letter, bury)).toEqual({ calls: ['retry'], entries: ['dead-letter.not-stored'] });
  });
});
