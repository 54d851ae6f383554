import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { backoffSeconds, type ConsumerOptions, createConsumer } from '../../src/consumers/consumer';
import { toEnvelope } from '../../src/cqrs/log/envelope';
import { createEventCatalogue, defineEvent, type RecordedEvent } from '../../src/cqrs/log/event';
import { DomainError } from '../../src/platform/errors';
import { describeError } from '../../src/platform/failure';
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

const silent: Logger = { info() {}, warn() {}, error() {}, child: () => silent };

/** A consumer of a batch of messages; `handle` is what it does with the events. */
async function consume(bodies: readonly unknown[], overrides: Partial<ConsumerOptions>) {
  const failures: [number, string, number][] = [];
  const consumer = createConsumer({
    subscription: 'projections',
    catalogue: createEventCatalogue([Renamed]),
    logger: silent,
    random: () => 0,
    handle: async (events) => new Map(events.map(({ position }) => [position, { kind: 'done' }])),
    recordFailure: async (...failure) => void failures.push(failure),
    ...overrides,
  });
  const messages = bodies.map((body) => aMessage(body));
  // Only what a consumer uses of a batch.
  await consumer({ messages: messages.map(({ message }) => message) } as unknown as MessageBatch);
  return { calls: messages.map(({ calls }) => calls), failures };
}

describe('a consumer (product 7.3)', () => {
  test('a consumer handles a good event although another message cannot be read and another event fails', async () => {
    const bodies = [{ what: 1 }, toEnvelope(anEvent(7)), toEnvelope(anEvent(8))];
    const { calls, failures } = await consume(bodies, {
      async handle(events) {
        if (events.some(({ position }) => position === 8)) throw new Error('The document store is away.');
        return new Map(events.map(({ position }) => [position, { kind: 'done' }]));
      },
    });
    expect(calls).toEqual([['retry in 2 s'], ['ack'], ['retry in 2 s']]);
    expect(failures).toEqual([[8, 'Error', 2]]);
  });

  test('a consumer retries an event that is to be handled later, and records no failure', async () => {
    const { calls, failures } = await consume([toEnvelope(anEvent(7))], {
      handle: async () => new Map([[7, { kind: 'later' }]]),
    });
    expect([calls, failures]).toEqual([[['retry in 2 s']], []]);
  });

  test('a consumer retries an event for which its handler returned nothing', async () => {
    const { calls } = await consume([toEnvelope(anEvent(7))], { handle: async () => new Map() });
    expect(calls).toEqual([['retry in 2 s']]);
  });

  test('a consumer records the failure of one event without the message of the error', async () => {
    const { calls, failures } = await consume([toEnvelope(anEvent(7)), toEnvelope(anEvent(8))], {
      handle: async () =>
        new Map([
          [
            7,
            { kind: 'failed', error: new DomainError('invalid', 'email.refused', 'ada@example.com is unknown.', {}) },
          ],
          [8, { kind: 'done' }],
        ]),
    });
    expect(calls).toEqual([['retry in 2 s'], ['ack']]);
    expect(failures).toEqual([[7, 'DomainError: email.refused', 2]]);
  });

  test('a consumer acknowledges both messages of an event that arrived twice, and handles it once (product 7.2)', async () => {
    const handled: number[] = [];
    const { calls } = await consume([toEnvelope(anEvent(7)), toEnvelope(anEvent(7))], {
      async handle(events) {
        handled.push(...events.map(({ position }) => position));
        return new Map([[7, { kind: 'done' }]]);
      },
    });
    expect([calls, handled]).toEqual([[['ack'], ['ack']], [7]]);
  });

  test('a consumer retries a message also when the failure cannot be recorded', async () => {
    const { calls } = await consume([toEnvelope(anEvent(7))], {
      handle: async () => new Map([[7, { kind: 'failed', error: new Error('away') }]]),
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

  test.each([
    [new TypeError('ada@example.com'), 'TypeError'],
    [Object.assign(new Error('ada@example.com'), { code: 'E_AWAY' }), 'Error: E_AWAY'],
    ['ada@example.com', 'unknown error'],
  ])('a consumer describes an error by its class and code, and never by its message: %s', (error, expected) => {
    expect(describeError(error)).toBe(expected);
  });
});
