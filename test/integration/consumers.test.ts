import { createExecutionContext, createMessageBatch, getQueueResult, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { createKeyedHashes } from '../../src/auth/secret-token';
import { createOutbox } from '../../src/cqrs/log/outbox';
import { userView } from '../../src/domains';
import { createEmailLimiter } from '../../src/email/email-limiter';
import { EmailError } from '../../src/email/email-sender';
import { createFindAccount } from '../../src/users/notified-account';
import { password } from '../support/factories';
import { createSystem } from '../support/system';

let started = 0;

/** A system with a registered user. All tests write the list of users, so each starts after the claims before it. */
async function given() {
  const system = createSystem();
  system.clock.advance(++started * 120_000);
  const user = await system.register();
  const delivery = (subscription: string) =>
    env.DB.prepare(
      `SELECT deliveries.*, events.id FROM deliveries JOIN events USING (position)
       WHERE subscription = ? AND stream_id = ? AND type = 'UserRegistered'`,
    )
      .bind(subscription, user.id)
      .first<{ status: string; last_error: string | null; position: number; id: string }>();
  return { ...system, user, delivery };
}

describe('the welcome e-mail', () => {
  test('one welcome e-mail is sent when its message arrives several times, also at the same time (product 7.2)', async () => {
    const { sent, deliver, sender, user, delivery } = await given();
    const [message] = sent.emails;
    await Promise.all([deliver('emails', [message]), deliver('emails', [message, message])]);
    await deliver('emails', [message]);
    expect(sender.sent.map(({ to }) => to.email)).toEqual([user.email]);
    expect(sender.sent[0]?.text).toContain('Hello Grace Hopper');
    expect(await delivery('emails')).toBeNull();
  });

  test('an e-mail that the provider refuses for now is retried and sent once (product 7.1, 7.2)', async () => {
    const { sent, deliver, sender, delivery } = await given();
    sender.failWith(new EmailError('SMTP_451', 'for-now'));
    expect(await deliver('emails', [sent.emails[0]])).toEqual({ acked: [], retried: ['m0'] });
    expect(await delivery('emails')).toMatchObject({
      status: 'pending',
      last_error: 'EmailError: SMTP_451',
    });
    expect(await deliver('emails', [sent.emails[0]])).toEqual({ acked: ['m0'], retried: [] });
    expect(sender.sent.length).toBe(1);
  });

  test('an e-mail that the provider refuses for good becomes a dead letter without more tries (product 7.3)', async () => {
    const { sent, deliver, sender, delivery } = await given();
    sender.failWith(new EmailError('E_RECIPIENT_SUPPRESSED', 'for-good'));
    expect(await deliver('emails', [sent.emails[0]])).toEqual({ acked: ['m0'], retried: [] });
    expect(await delivery('emails')).toMatchObject({
      status: 'dead',
      last_error: 'EmailError: E_RECIPIENT_SUPPRESSED',
    });
    // A duplicate of the message does not try the dead letter again; only a replay does.
    expect(await deliver('emails', [sent.emails[0]])).toEqual({ acked: ['m0'], retried: [] });
    expect(sender.sent).toEqual([]);
  });

  test('an address gets one welcome e-mail a day, also when its account is deleted and made again (product 1.9)', async () => {
    const system = await given();
    const { sent, deliver, sender, request, send, clock, user } = system;
    const registerAgain = async () => {
      const body = { name: 'Grace Hopper', email: user.email.toUpperCase(), password };
      const { id } = await (await send('POST', '/v1/users', body)).json<{ id: string }>();
      const { bearer } = await system.signIn(user.email);
      return { id, bearer };
    };
    const remove = async ({ id, bearer }: { id: string; bearer: Record<string, string> }) =>
      expect((await request(`/v1/users/${id}`, { method: 'DELETE', headers: bearer })).status).toBe(204);
    await deliver('emails', sent.emails.splice(0));
    expect(sender.sent.length).toBe(1);
    await remove(user);
    const second = await registerAgain();
    clock.advance(23 * 3_600_000);
    expect((await deliver('emails', sent.emails.splice(0))).acked).toEqual(['m0']);
    expect(sender.sent.length).toBe(1);
    await remove({ ...second, ...(await system.signIn(user.email)) });
    clock.advance(3_600_000);
    await registerAgain();
    await deliver('emails', sent.emails.splice(0));
    expect(sender.sent.map(({ to }) => to.email)).toEqual([user.email, user.email]);
    // Nothing in the table says which address it is.
    const rows = await env.DB.prepare('SELECT * FROM limited_emails').all();
    expect(JSON.stringify(rows.results)).not.toContain(user.email);
  });

  test('the limit of an address does not hold back another attempt of the same e-mail (product 1.9, 7.2)', async () => {
    const { sent, deliver, sender } = await given();
    for (const error of [new EmailError('SMTP_451', 'for-now'), new EmailError('SMTP_452', 'for-now')]) {
      sender.failWith(error);
      expect((await deliver('emails', [sent.emails[0]])).retried).toEqual(['m0']);
    }
    expect((await deliver('emails', [sent.emails[0]])).acked).toEqual(['m0']);
    expect(sender.sent.length).toBe(1);
  });

  test.each([
    ['Grace Hopper', 'Hello Grace Hopper,', { name: 'Grace Hopper' }],
    ['Win money at evil.example', 'Hello,', {}],
  ])('the welcome e-mail to somebody named “%s” begins with “%s” (product 1.9)', async (name, greeting, shown) => {
    const { sent, deliver, sender, send } = await given();
    const email = `${crypto.randomUUID()}@example.com`;
    await send('POST', '/v1/users', { name, email, password });
    await deliver('emails', [sent.emails.at(-1)]);
    expect(sender.sent[0]?.text.startsWith(`${greeting}\n`)).toBe(true);
    expect(sender.sent[0]?.to).toEqual({ ...shown, email });
    expect(JSON.stringify(sender.sent[0])).not.toContain('evil');
  });

  test('a limit is by kind and address, and knows an address after the secret has changed (product 1.9)', async () => {
    const address = `${crypto.randomUUID()}@example.com`;
    const welcome = { kind: 'welcome', everyMs: 1000 } as const;
    const limiterWith = (...secrets: readonly [string, ...string[]]) =>
      createEmailLimiter(env.DB, createKeyedHashes(secrets));
    const first = { address, messageId: 'first', occurredAt: 5000 };
    const old = limiterWith('old');
    expect(await old.allows(welcome, first)).toBe(true);
    const rotated = limiterWith('new', 'old');
    const second = { address, messageId: 'second', occurredAt: 5999 };
    expect(await rotated.allows(welcome, second)).toBe(false);
    expect(await old.allows(welcome, { ...second, occurredAt: 4000 })).toBe(false);
    expect(await rotated.allows(welcome, first)).toBe(true);
    expect(await rotated.allows({ ...welcome, kind: 'password-reset' }, second)).toBe(true);
    expect(await rotated.allows(welcome, { ...second, address: `a${address}` })).toBe(true);
    // A limit is used up by the first of two e-mails at the same time.
    const third = { address, messageId: 'third', occurredAt: 6000 };
    const fourth = { ...third, messageId: 'fourth' };
    const both = await Promise.all([rotated.allows(welcome, third), rotated.allows(welcome, fourth)]);
    expect(both.filter(Boolean)).toHaveLength(1);
    // A late duplicate of a message that is done holds back nothing.
    const latest = { address, messageId: 'latest', occurredAt: 9000 };
    expect(await rotated.allows(welcome, first)).toBe(false);
    expect(await rotated.allows(welcome, latest)).toBe(true);
  });

  test('a deactivated account gets no e-mail, and its delivery is done (product 1.7)', async () => {
    const { deliver, delivery, send, sender, sent, user } = await given();
    await send('POST', '/v1/auth/password-reset', { email: user.email });
    await env.DB.prepare('UPDATE users SET is_active = 0 WHERE id = ?').bind(user.id).run();
    expect((await deliver('emails', sent.emails.splice(0))).acked).toEqual(['m0', 'm1']);
    expect(sender.sent).toEqual([]);
    expect(await delivery('emails')).toBeNull();
  });

  test('the receiver of an e-mail is read from the primary, because a replica may not know that the account has ended', async () => {
    const { user } = await given();
    const sessions: unknown[] = [];
    const withSession = (from: string) => {
      sessions.push(from);
      return env.DB.withSession(from);
    };
    const account = await createFindAccount({ withSession } as unknown as D1Database)(user.id);
    expect(account?.email).toBe(user.email);
    expect(sessions).toEqual(['first-primary']);
  });

  test('a deleted account gets no welcome e-mail', async () => {
    const { sent, deliver, sender, user, request } = await given();
    await request(`/v1/users/${user.id}`, { method: 'DELETE', headers: user.bearer });
    expect((await deliver('emails', [sent.emails[0]])).acked).toEqual(['m0']);
    expect(sender.sent).toEqual([]);
  });
});

describe('the relay', () => {
  test('a command succeeds while its queues are down, and the relay sends the deliveries later (product 7.1)', async () => {
    const broken = { sendBatch: () => Promise.reject(new Error('The queue is down.')) } as unknown as Queue;
    const down = createSystem({ PROJECTIONS_QUEUE: broken, EMAILS_QUEUE: broken, ANALYTICS_QUEUE: broken });
    const user = await down.register();
    const { services, sent, clock, deliverQueues, sender } = createSystem();
    await services().relay();
    expect(sent.emails).toEqual([]);
    clock.advance(31_000);
    await services().relay();
    expect(sent.emails.map(({ subject }) => subject)).toContain(`user/${user.id}`);
    await deliverQueues();
    expect(sender.sent.map(({ to }) => to.email)).toContain(user.email);
    expect(await env.VIEWS.get(userView.kvKey(user.id), 'json')).toMatchObject({ data: { email: user.email } });
  });

  test('two relays at the same time send a delivery once, and each send waits longer than the one before (product 7.1)', async () => {
    const { services, sent, clock, user } = await given();
    for (const messages of Object.values(sent)) messages.length = 0;
    clock.advance(31_000);
    await Promise.all([services().relay(), services().relay()]);
    const countSends = () => sent.emails.filter(({ subject }) => subject === `user/${user.id}`).length;
    expect(countSends()).toBe(1);
    clock.advance(30_000);
    await services().relay();
    expect(countSends()).toBe(1);
    clock.advance(31_000);
    await services().relay();
    expect(countSends()).toBe(2);
  });
});

describe('failures', () => {
  test('a message that cannot be read is retried alone, and the other messages of its batch are handled (product 7.3)', async () => {
    const { sent, deliver, user } = await given();
    const result = await deliver('projections', [{ poison: true }, ...sent.projections, 'nonsense']);
    expect(result.acked).toContain('m1');
    expect(result.retried).toEqual(expect.arrayContaining(['m0', `m${sent.projections.length + 1}`]));
    expect(await env.VIEWS.get(userView.kvKey(user.id), 'json')).toMatchObject({ data: { id: user.id } });
  });

  test('a message that failed by its own fault until its last try becomes a dead letter, which the relay does not send again (product 7.3)', async () => {
    const { sent, deliver, delivery, sender, services, clock, user } = await given();
    const [message] = sent.emails;
    sender.failWith(new TypeError('The template is broken.'));
    expect((await deliver('emails', [message])).retried).toEqual(['m0']);
    expect((await deliver('dead-letters', [message, { garbage: 1 }])).acked).toEqual(['m0', 'm1']);
    expect(await delivery('emails')).toMatchObject({ status: 'dead', last_error: 'TypeError' });
    sent.emails.length = 0;
    clock.advance(3_600_000);
    await services().relay();
    expect(sent.emails.filter(({ subject }) => subject === `user/${user.id}`)).toEqual([]);
  });

  test('a batch of a queue without a consumer throws, so that its messages are not acknowledged', async () => {
    const { services } = createSystem();
    const message = { id: 'm0', timestamp: new Date(), attempts: 1, body: {} };
    const batch = createMessageBatch('frontdesk-unknown', [message]);
    await expect(services().consume(batch)).rejects.toThrow('The queue frontdesk-unknown has no consumer');
    const { explicitAcks, ackAll } = await getQueueResult(batch, createExecutionContext());
    expect([explicitAcks, ackAll]).toEqual([[], false]);
  });

  test('the queues of an installation beside another one have its suffix and the same consumers', async () => {
    const { sent, register, services } = createSystem();
    await register();
    const messages = sent.emails.map((body, index) => ({
      id: `m${index}`,
      timestamp: new Date(),
      attempts: 1,
      body,
    }));
    const batch = createMessageBatch('frontdesk-emails-staging', messages);
    const context = createExecutionContext();
    await services().consume(batch);
    const { explicitAcks } = await getQueueResult(batch, context);
    expect(explicitAcks).toEqual(messages.map(({ id }) => id));
    expect(messages.length).toBeGreaterThan(0);
  });
});

describe('the consumers of a registration', () => {
  const subscriptions = ['projections', 'emails'] as const;
  type Subscription = (typeof subscriptions)[number];

  /** A system in which a test can let one consumer fail. The effects of each consumer are recorded. */
  function givenFailures() {
    const failing = new Set<Subscription>();
    const requireUp = (subscription: Subscription, error: string) => {
      if (failing.has(subscription)) throw new Error(error);
    };
    const puts: string[] = [];
    const points: AnalyticsEngineDataPoint[] = [];
    const system = createSystem({
      VIEWS: {
        get: env.VIEWS.get.bind(env.VIEWS),
        async put(key: string, value: string) {
          requireUp('projections', 'KV PUT failed: 429 Too Many Requests');
          puts.push(key);
          await env.VIEWS.put(key, value);
        },
        // The document store calls no other method here.
      } as unknown as KVNamespace,
      ANALYTICS: { writeDataPoint: (point = {}) => void points.push(point) },
    });
    system.clock.advance(++started * 120_000);
    return { ...system, failing, points, puts };
  }

  async function registerOnly({ send }: ReturnType<typeof createSystem>) {
    const email = `${crypto.randomUUID()}@example.com`;
    const response = await send('POST', '/v1/users', { name: 'Ada', email, password });
    expect(response.status).toBe(201);
    return { email, id: (await response.json<{ id: string }>()).id };
  }

  test('a registration records one event, which both subscriptions receive (product 1.2)', async () => {
    const system = createSystem();
    const { id } = await registerOnly(system);
    const { results } = await env.DB.prepare('SELECT type FROM events WHERE stream_id = ?').bind(id).all();
    expect(results).toEqual([{ type: 'UserRegistered' }]);
    for (const subscription of subscriptions) {
      expect(system.sent[subscription]).toMatchObject([{ type: 'frontdesk.UserRegistered', subject: `user/${id}` }]);
    }
  });

  test.each(subscriptions)(
    'when the consumer of %s fails, the other one neither stops nor repeats its work (product 1.2, 7.3)',
    async (broken) => {
      const system = givenFailures();
      const { clock, deliver, deliverQueues, failing, points, puts, sender, sent, services } = system;
      const { email, id } = await registerOnly(system);
      const effects = () => ({
        projections: puts.filter((key) => key === userView.kvKey(id)).length,
        emails: sender.sent.filter(({ to }) => to.email === email).length,
        analytics: points.filter(({ blobs }) => blobs?.[0] === 'UserRegistered' && blobs[2] === id).length,
      });
      expect(effects()).toEqual({ projections: 0, emails: 0, analytics: 0 });
      failing.add(broken);
      if (broken === 'emails') sender.failWith(new EmailError('SMTP_451', 'for-now'));
      for (const subscription of subscriptions) {
        // Each message is delivered twice, because queues may double it.
        const messages = sent[subscription].splice(0).flatMap((message) => [message, message]);
        const { retried } = await deliver(subscription, messages);
        expect([subscription, retried]).toEqual([subscription, subscription === broken ? ['m0', 'm1'] : []]);
      }
      // The data point follows the documents.
      const analytics = broken === 'projections' ? 0 : 1;
      expect(effects()).toEqual({ projections: 1, emails: 1, analytics, [broken]: 0 });
      failing.clear();
      for (let minute = 0; minute < 6; minute++) {
        clock.advance(60_000);
        await services().relay();
        await deliverQueues();
      }
      expect(effects()).toEqual({ projections: 1, emails: 1, analytics: 1 });
      expect(JSON.stringify(points)).not.toContain(email);
    },
  );

  test('the response to a registration does not wait for the queues or their consumers (product 1.2)', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = { sendBatch: () => released } as unknown as Queue;
    const system = createSystem({ PROJECTIONS_QUEUE: slow, EMAILS_QUEUE: slow, ANALYTICS_QUEUE: slow });
    const context = createExecutionContext();
    const body = JSON.stringify({ name: 'Ada', email: `${crypto.randomUUID()}@example.com`, password });
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
    const response = await system.app.request('/v1/users', init, system.env, context);
    expect(response.status).toBe(201);
    expect([system.sender.sent, system.points]).toEqual([[], []]);
    release();
    await waitOnExecutionContext(context);
  });
});

test('a second e-mail is sent only when the record of the first one failed (product 7.2)', async () => {
  const state = { isFailing: false };
  const system = createSystem({ DB: failingDeletions(state) });
  const { clock, deliver, register, sender, sent } = system;
  clock.advance(++started * 120_000);
  const { email } = await register();
  const [message] = sent.emails;
  const countMails = () => sender.sent.filter(({ to }) => to.email === email).length;
  state.isFailing = true;
  expect((await deliver('emails', [message])).retried).toEqual(['m0']);
  state.isFailing = false;
  // The claim of the interrupted work still holds, so the message waits.
  expect((await deliver('emails', [message])).retried).toEqual(['m0']);
  expect(countMails()).toBe(1);
  clock.advance(61_000);
  expect((await deliver('emails', [message])).acked).toEqual(['m0']);
  expect(countMails()).toBe(2);
  expect((await deliver('emails', [message, message])).acked).toEqual(['m0', 'm1']);
  expect(countMails()).toBe(2);
});

/** D1 that refuses to delete deliveries while `isFailing` is true, as if the consumer died before it recorded its work. */
function failingDeletions(state: { isFailing: boolean }): D1Database {
  return {
    withSession: (from?: string) =>
      new Proxy(env.DB.withSession(from), {
        get(session, name) {
          if (name !== 'prepare') return Reflect.get(session, name).bind(session);
          return (statement: string) => {
            if (state.isFailing && /^\s*DELETE FROM deliveries/.test(statement)) throw new Error('D1 is down.');
            return session.prepare(statement);
          };
        },
      }),
    // Sessions are the only use of the database.
  } as unknown as D1Database;
}

test('events that arrive twice and in reverse order leave the document of the newest state (product 7.2)', async () => {
  const { sent, deliver, user, clock, send } = await given();
  for (const name of ['One', 'Two', 'Three']) await send('PATCH', `/v1/users/${user.id}`, { name }, user.bearer);
  const shuffled = [...sent.projections].reverse().flatMap((message) => [message, message]);
  for (const message of shuffled) {
    await deliver('projections', [message]);
    clock.advance(1500);
  }
  expect(await env.VIEWS.get(userView.kvKey(user.id), 'json')).toMatchObject({ data: { name: 'Three' }, version: 4 });
});

test('a claim on an e-mail is released only by its own holder, and not by a duplicate that failed (product 7.2)', async () => {
  const { clock, delivery } = await given();
  const outbox = createOutbox(env.DB, clock, async () => {});
  const event = (await delivery('emails')) ?? { position: 0, id: '' };
  const claim = async () => {
    const held = await outbox.claim('emails', [event]);
    return { held, result: held.results.get(event.id) };
  };
  const { held, result } = await claim();
  expect(result).toBe('claimed');
  await outbox.recordFailure('emails', event, { error: 'a duplicate failed', fault: 'own' }, 1);
  await outbox.release('emails', event, { ...held, until: held.until - 1 });
  expect((await claim()).result).toBe('claimed-elsewhere');
  await outbox.release('emails', event, held);
  expect((await claim()).result).toBe('claimed');
});

test('a claim whose time is nearly over when D1 responds counts as claimed elsewhere (product 7.2)', async () => {
  const { clock, delivery } = await given();
  const event = (await delivery('emails')) ?? { position: 0, id: '' };
  let calls = 0;
  // The second look at the clock is 40 seconds later, as if the response of D1 took that long.
  const slow = { now: () => clock.now() + (calls++ > 0 ? 40_000 : 0) };
  const { results } = await createOutbox(env.DB, slow, async () => {}).claim('emails', [event]);
  expect(results.get(event.id)).toBe('claimed-elsewhere');
});
