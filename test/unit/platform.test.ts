import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../../src/config';
import { backoffSeconds, createConsumer } from '../../src/consumers/consumer';
import { decodeConsistencyToken, encodeConsistencyToken } from '../../src/cqrs/log/consistency-token';
import { fromEnvelope, toEnvelope } from '../../src/cqrs/log/envelope';
import { createEventCatalogue, defineEvent, type RecordedEvent, upcast } from '../../src/cqrs/log/event';
import { passwordResetEmail, welcomeEmail } from '../../src/email/templates';
import { continueTrace } from '../../src/http/tracing';
import { createLogger } from '../../src/platform/logger';
import { verifyPassword } from '../../src/platform/password';

const event: RecordedEvent = {
  position: 7,
  id: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11',
  type: 'Renamed',
  streamType: 'thing',
  streamId: 'a/b',
  version: 2,
  schemaVersion: 1,
  data: { label: 'x' },
  metadata: { commandId: 'c', requestId: 'r', actorId: undefined, traceparent: undefined },
  occurredAt: '2026-01-01T00:00:00.000Z',
};

describe('events', () => {
  const Renamed = defineEvent({
    type: 'Renamed',
    streamType: 'thing',
    schema: z.strictObject({ labels: z.array(z.string()) }),
    upcasters: [(data) => ({ labels: [z.object({ label: z.string() }).parse(data).label] })],
  });
  const catalogue = createEventCatalogue([Renamed]);

  test('an old shape is lifted to the newest when read (product 6.4)', () => {
    expect(Renamed.schemaVersion).toBe(2);
    expect(upcast(catalogue, event)).toMatchObject({ schemaVersion: 2, data: { labels: ['x'] } });
    const newest = { ...event, schemaVersion: 2, data: { labels: ['y'] } };
    expect(upcast(catalogue, newest)).toEqual(newest);
  });

  test.each([{ type: 'Unknown' }, { schemaVersion: 3 }, { schemaVersion: 0 }, { data: { nothing: 1 } }])(
    'what nobody understands is refused: %j',
    (wrong) => {
      expect(() => upcast(catalogue, { ...event, ...wrong })).toThrow();
    },
  );

  test('cross the queue as CloudEvents 1.0 and come back the same', () => {
    const envelope = toEnvelope(event);
    expect(envelope).toMatchObject({ specversion: '1.0', type: 'frontdesk.Renamed', subject: 'thing/a/b' });
    expect(fromEnvelope(JSON.parse(JSON.stringify(envelope)))).toEqual(event);
  });
});

describe('consumers', () => {
  function aMessage(body: unknown) {
    const calls: string[] = [];
    const message = {
      id: 'm',
      timestamp: new Date(0),
      attempts: 2,
      body,
      ack: () => void calls.push('ack'),
      retry: ({ delaySeconds }: { delaySeconds: number }) => void calls.push(`retry ${delaySeconds}`),
    };
    return { message: message as unknown as Message, calls };
  }
  const definition = defineEvent({ type: 'Renamed', streamType: 'thing', schema: z.unknown() });
  const options = {
    subscription: 'projections' as const,
    catalogue: createEventCatalogue([definition]),
    logger: createLogger({}, () => {}),
    recordFailure: async () => {},
    random: () => 0,
  };

  test('a poison message and a failing event do not hold up the others (product 7.3)', async () => {
    const [poison, good, bad] = [
      aMessage({ what: 1 }),
      aMessage(toEnvelope(event)),
      aMessage(toEnvelope({ ...event, position: 8 })),
    ];
    const failures: number[] = [];
    const consume = createConsumer({
      ...options,
      handle: async (events) => {
        if (events.some(({ position }) => position === 8)) throw new Error('boom');
        return new Map(events.map(({ position }) => [position, { kind: 'done' }]));
      },
      recordFailure: async (position) => void failures.push(position),
    });
    await consume({ messages: [poison.message, good.message, bad.message] } as unknown as MessageBatch);
    expect([poison.calls, good.calls, bad.calls]).toEqual([['retry 2'], ['ack'], ['retry 2']]);
    expect(failures).toEqual([8]);
  });

  test('what is busy is tried later, and is no failure', async () => {
    const busy = aMessage(toEnvelope(event));
    const handle = async () => new Map([[7, { kind: 'later' as const }]]);
    const recordFailure = async () => expect.unreachable();
    await createConsumer({ ...options, handle, recordFailure })({
      messages: [busy.message],
    } as unknown as MessageBatch);
    expect(busy.calls).toEqual(['retry 2']);
  });

  test('delays grow exponentially, with jitter, up to five minutes', () => {
    expect([1, 2, 3, 20].map((attempts) => backoffSeconds(attempts, () => 0))).toEqual([1, 2, 4, 150]);
    expect([1, 2, 3, 20].map((attempts) => backoffSeconds(attempts, () => 1))).toEqual([2, 4, 8, 300]);
  });
});

describe('tokens and tracing', () => {
  test('a consistency token survives the journey, and no other text passes for one', () => {
    const token = { position: 3, bookmark: '0000-0001-abc', epoch: '1' };
    expect(decodeConsistencyToken(encodeConsistencyToken(token))).toEqual(token);
    for (const text of ['', 'x', 'e30', encodeConsistencyToken({ ...token, bookmark: "'; DROP" }), 'a'.repeat(600)]) {
      expect(() => decodeConsistencyToken(text)).toThrow(
        expect.objectContaining({ code: 'http.invalid-consistency-token' }),
      );
    }
  });

  test('a valid traceparent is continued, an invalid one replaced', () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    expect(continueTrace(`00-${trace}-00f067aa0ba902b7-01`)).toMatch(
      new RegExp(`^00-${trace}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`),
    );
    for (const bad of [undefined, 'x', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `ff-${trace}-00f067aa0ba902b7-01`]) {
      expect(continueTrace(bad)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(continueTrace(bad)).not.toContain(trace);
    }
  });
});

describe('configuration (product 8.4)', () => {
  const good = {
    ISSUER: 'https://frontdesk.example',
    AUDIENCE: 'frontdesk',
    EPOCH: '1',
    TOKEN_SECRET: 'q8GZr1yT0wXk3VbN5mLp7sDf9hJc2uAe',
    EMAIL_TRANSPORT: 'console',
    EMAIL_FROM: 'Frontdesk <hello@frontdesk.example>',
    PASSWORD_RESET_URL: 'https://frontdesk.example/reset',
  };

  test('is read', () => {
    expect(loadConfig({ ...good })).toMatchObject({
      epoch: '1',
      email: { transport: 'console', from: { name: 'Frontdesk', email: 'hello@frontdesk.example' } },
    });
  });

  test.each([
    [{ TOKEN_SECRET: undefined }, /TOKEN_SECRET is missing/],
    [{ TOKEN_SECRET: 'short' }, /TOKEN_SECRET must have at least 32/],
    [{ TOKEN_SECRET: 'a'.repeat(40) }, /TOKEN_SECRET is too weak/],
    [{ EMAIL_TRANSPORT: 'smtp' }, /SMTP_HOST/],
    [{ EMAIL_FROM: 'no address' }, /EMAIL_FROM/],
    [{ FIRST_ADMIN_EMAIL: 'a@example.com' }, /FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD/],
  ])('a missing or weak variable is a clear error that does not quote it: %j', (wrong, message) => {
    expect(() => loadConfig({ ...good, ...wrong })).toThrow(message);
  });
});

describe('e-mail templates and logs', () => {
  test('escape what a person typed', () => {
    const { html, text } = welcomeEmail({ name: '<script>alert(1)</script>' });
    expect(html).not.toContain('<script>');
    expect(html).toContain('&lt;script&gt;');
    expect(text).toContain('<script>alert(1)</script>');
    expect(passwordResetEmail({ name: 'A', link: 'https://x.example/#token=1', validMinutes: 60 }).text).toContain(
      '#token=1',
    );
  });

  test('an error is logged without its message', () => {
    const lines: string[] = [];
    createLogger({ requestId: 'r' }, (line) => lines.push(line)).error('failed', new Error('for ada@example.com'));
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      event: 'failed',
      requestId: 'r',
      error: 'Error',
    });
    expect(lines[0]).not.toContain('ada@example.com');
  });

  test('without an account a password takes a hash all the same, and is never right', async () => {
    expect(await verifyPassword('anything', undefined)).toEqual({ ok: false, needsRehash: false });
  });
});
