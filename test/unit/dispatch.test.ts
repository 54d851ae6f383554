import { describe, expect, test } from 'vitest';
import { createDispatch, type Queues } from '../../src/consumers/dispatch';
import type { Envelope } from '../../src/cqrs/log/envelope';
import type { RecordedEvent, Subscription } from '../../src/cqrs/log/event';
import { limits } from '../../src/platform/limits';
import { createLogger } from '../../src/platform/logger';

function anEvent(position: number, text = ''): RecordedEvent {
  return {
    position,
    id: `event-${position}`,
    type: 'Noted',
    streamType: 'thing',
    streamId: 'a',
    version: position,
    schemaVersion: 1,
    data: { text },
    metadata: { commandId: 'c', requestId: 'r' },
    occurredAt: '2026-01-01T00:00:00.000Z',
  };
}

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length;

/** A dispatch to queues that refuse what Cloudflare's queues refuse. A queue in `down` refuses everything. */
function given(...down: Subscription[]) {
  const sends: { subscription: Subscription; positions: number[] }[] = [];
  const bodies: Envelope[] = [];
  const calls: [string, Subscription, number[]][] = [];
  const logs: string[] = [];
  const queueOf = (subscription: Subscription) => ({
    async sendBatch(messages: readonly { body: Envelope }[]) {
      if (down.includes(subscription)) throw new Error('Queue send failed: 503');
      const sizes = messages.map(({ body }) => bytesOf(body) + 100);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      if (messages.length > 100 || total > 256_000 || sizes.some((size) => size > 128_000))
        throw new Error('Queue sendBatch failed: 413 Payload Too Large');
      sends.push({ subscription, positions: messages.map(({ body }) => body.position) });
      bodies.push(...messages.map(({ body }) => body));
    },
  });
  const queues = {
    projections: queueOf('projections'),
    emails: queueOf('emails'),
    events: queueOf('events'),
    // Dispatch calls no other method.
  } as unknown as Queues;
  const record = (name: string) => async (subscription: Subscription, events: readonly { position: number }[]) =>
    void calls.push([name, subscription, events.map(({ position }) => position)]);
  const outbox = { complete: record('complete'), markDead: record('markDead') };
  const logger = createLogger({}, (line) => void logs.push(line));
  const dispatch = createDispatch({
    queues,
    origin: { epoch: '4', source: 'https://shop.example', publicUrl: 'https://api.shop.example' },
    outbox,
    logger,
  });
  const send = (subscription: Subscription, events: readonly RecordedEvent[]) =>
    dispatch(events.map((event) => ({ subscription, event })));
  return { bodies, calls, dispatch, logs, send, sends };
}

const range = (length: number) => Array.from({ length }, (_, index) => index + 1);

describe('dispatch (product 7.1)', () => {
  test('a hundred large events are sent in parts that a queue accepts, in their order', async () => {
    const { send, sends } = given();
    // The texts have two bytes for each character: 100 events are 412 KB.
    expect(
      await send(
        'projections',
        range(100).map((position) => anEvent(position, 'é'.repeat(1900))),
      ),
    ).toEqual([]);
    expect(sends.length).toBe(2);
    expect(sends.flatMap(({ positions }) => positions)).toEqual(range(100));
  });

  test('many small events are sent a hundred at a time', async () => {
    const { send, sends } = given();
    await send(
      'emails',
      range(250).map((position) => anEvent(position)),
    );
    expect(sends.map(({ positions }) => positions.length)).toEqual([100, 100, 50]);
  });

  test('the room that a send leaves covers the metadata of its messages', () => {
    expect(limits.bytesPerSend + limits.messagesPerSend * 100).toBeLessThanOrEqual(256_000);
    expect(limits.bytesPerMessage + 100).toBeLessThanOrEqual(128_000);
  });

  test('an event that no queue takes becomes a dead letter, and the others are sent (product 7.3)', async () => {
    const { calls, logs, send, sends } = given();
    expect(await send('projections', [anEvent(1), anEvent(2, 'x'.repeat(130_000)), anEvent(3)])).toEqual([]);
    expect(sends).toEqual([{ subscription: 'projections', positions: [1, 3] }]);
    expect(calls).toEqual([['markDead', 'projections', [2]]]);
    expect(logs.join()).toContain('message.too-large');
  });

  test('a queue that is down is reported with its events, and the other queues get theirs', async () => {
    const { dispatch, sends } = given('emails');
    const deliveries = [1, 2].flatMap((position) =>
      (['emails', 'projections'] as const).map((subscription) => ({ subscription, event: anEvent(position) })),
    );
    const unsent = await dispatch(deliveries);
    expect(unsent).toMatchObject([{ subscription: 'emails', events: [{ position: 1 }, { position: 2 }] }]);
    expect(sends).toEqual([{ subscription: 'projections', positions: [1, 2] }]);
  });

  test('the deliveries to other teams are done when their queue has the events, and only then', async () => {
    const up = given();
    await up.send('events', [anEvent(1)]);
    expect(up.calls).toEqual([['complete', 'events', [1]]]);
    const down = given('events');
    expect(await down.send('events', [anEvent(1)])).toHaveLength(1);
    expect(down.calls).toEqual([]);
  });

  test('each message carries the epoch, and the subscription unless it is for other teams', async () => {
    const { bodies, send } = given();
    await send('emails', [anEvent(1)]);
    await send('events', [anEvent(1)]);
    expect(bodies).toMatchObject([{ epoch: '4', subscription: 'emails' }, { epoch: '4' }]);
    expect(bodies[1]).not.toHaveProperty('subscription');
  });
});
