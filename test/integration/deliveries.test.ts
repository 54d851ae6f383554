import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { compose } from '../../src/composition';
import { createDueDeliveries } from '../../src/cqrs/log/due-deliveries';
import type { EventKey, Subscription } from '../../src/cqrs/log/event';
import { createOutbox, growingWait, type Outbox } from '../../src/cqrs/log/outbox';
import { userView } from '../../src/domains';
import { sendingMs } from '../../src/email/deadline';
import { EmailError, type EmailSender, UnclearEmailError } from '../../src/email/email-sender';
import { findDeadLetters } from '../../src/operations/dead-letters';
import type { Wait } from '../../src/platform/clock';
import { openSession } from '../../src/platform/d1';
import { deadlines, limits } from '../../src/platform/limits';
import { createLogger } from '../../src/platform/logger';
import { deleteDeliveries } from '../support/document-watch';
import { password } from '../support/factories';
import { given as givenOperators, post } from '../support/operations';
import { createSystem } from '../support/system';

interface DeliveryRow extends EventKey {
  subscription: Subscription;
  status: 'pending' | 'dead';
  attempts: number;
  failures: number;
  last_error: string | null;
  available_at: number;
  first_failed_at: number | null;
  last_failed_at: number | null;
  claimed_until: number;
  fault: 'recipient' | null;
}

const allDeliveries = async () =>
  (
    await env.DB.prepare(
      'SELECT deliveries.*, events.id FROM deliveries JOIN events USING (position) ORDER BY position, subscription',
    ).all<DeliveryRow>()
  ).results;

let started = 0;

/** A system in which one account was just registered, and no delivery is left of the tests before. */
async function given(bindings: Partial<Env> = {}) {
  const system = createSystem(bindings);
  // The list of users is one key, so each test starts after the claims of the tests before it.
  system.clock.advance(++started * 20 * 86_400_000);
  await deleteDeliveries();
  const email = `${crypto.randomUUID()}@example.com`;
  const response = await system.send('POST', '/v1/users', { name: 'Ada', email, password });
  const { id } = await response.json<{ id: string }>();
  const find = async (subscription: Subscription) =>
    (await allDeliveries()).find((delivery) => delivery.subscription === subscription);
  const countMails = () => system.sender.sent.filter(({ to }) => to.email === email).length;
  const outbox = createOutbox(env.DB, system.clock, async () => {});
  return { ...system, countMails, email, find, id, outbox };
}

describe('after a restore (product 7.2)', () => {
  test('a key with another id finds no delivery in any function of the outbox', async () => {
    const { clock, find, outbox } = await given();
    const before = await find('emails');
    const other = { position: before?.position ?? 0, id: 'an event of before the restore' };
    const claim = await outbox.claim('emails', [other]);
    expect(claim.results.get(other.id)).toBe('unknown');
    await outbox.complete('emails', [other]);
    await outbox.recordFailure('emails', other, { error: 'x', fault: 'own' }, 1);
    await outbox.markDead('emails', [other], 'x');
    expect(await outbox.putOff('emails', other, 'x', 'refused')).toBe('nobody');
    expect(await find('emails')).toEqual(before);
    const right = before ?? other;
    const held = await outbox.claim('emails', [right]);
    await outbox.release('emails', other, held);
    await outbox.recordFailure('emails', right, { error: 'x', fault: 'own' }, 1);
    expect(await outbox.bury('emails', other)).toBe(false);
    await createDueDeliveries(env.DB, clock).giveBack('emails', [other]);
    expect(await find('emails')).toMatchObject({ status: 'pending', failures: 1, claimed_until: held.until });
  });

  test('a key whose event has moved to another position finds no delivery', async () => {
    const { find, outbox } = await given();
    const right = (await find('emails')) ?? { position: 0, id: '' };
    const moved = { ...right, position: right.position + 1 };
    expect((await outbox.claim('emails', [moved])).results.get(right.id)).toBe('unknown');
  });

  test.each(['emails', 'projections'] as const)(
    'an old message of %s at the position of a new event is acknowledged and logged, and has no effect',
    async (subscription) => {
      const { countMails, deliver, find, logs, points, sent } = await given();
      const { epoch: _, ...message } = { ...sent[subscription][0], id: 'an event of before the restore' };
      expect(await deliver(subscription, [message])).toEqual({ acked: ['m0'], retried: [] });
      expect([countMails(), points]).toEqual([0, []]);
      if (subscription === 'emails') expect(logs.filter((line) => line.includes('message.obsolete'))).toHaveLength(1);
      expect(await find(subscription)).toMatchObject({ status: 'pending', claimed_until: 0 });
      expect(await deliver(subscription, [sent[subscription][0]])).toEqual({ acked: ['m0'], retried: [] });
      expect(await find(subscription)).toBeUndefined();
    },
  );

  test('every message carries the epoch of the configuration', async () => {
    const { sent } = await given({ EPOCH: '7' } as unknown as Partial<Env>);
    const epochs = Object.values(sent).flatMap((messages) => messages.map(({ epoch }) => epoch));
    expect(epochs).toEqual(['7', '7']);
  });
});

describe('an outage (product 7.1, 7.3)', () => {
  /** A system whose stores and providers are away while `state.isAway` is true. D1 has a switch of its own. */
  async function givenOutage() {
    const state = { isAway: false, isDatabaseAway: false };
    const fail = (message: string) => {
      if (state.isAway) throw new Error(message);
    };
    const points: AnalyticsEngineDataPoint[] = [];
    const system = await given({
      VIEWS: {
        get: env.VIEWS.get.bind(env.VIEWS),
        async put(key: string, value: string) {
          fail('KV PUT failed: 503 Service Unavailable');
          await env.VIEWS.put(key, value);
        },
        delete: env.VIEWS.delete.bind(env.VIEWS),
        // The document store calls no other method.
      } as unknown as KVNamespace,
      ANALYTICS: {
        writeDataPoint(point = {}) {
          fail('Analytics Engine is away.');
          points.push(point);
        },
      },
      DB: {
        withSession(from?: string) {
          if (state.isDatabaseAway) throw new Error('D1_ERROR: Network connection lost.');
          return env.DB.withSession(from);
        },
        // Sessions are the only use of the database.
      } as unknown as D1Database,
    });
    const { clock, deliver, sender, sent, services } = system;

    /** Delivers what is in the queues, as queues do: a message that is retried too often goes to the dead letters. */
    async function runQueues() {
      for (const subscription of ['projections', 'emails'] as const) {
        let messages: unknown[] = sent[subscription].splice(0);
        for (let tries = 0; tries < 3 && messages.length > 0; tries++) {
          if (state.isAway) for (const _ of messages) sender.failWith(new EmailError('SMTP_451', 'for-now'));
          const { retried } = await deliver(subscription, messages);
          messages = messages.filter((_, index) => retried.includes(`m${index}`));
        }
        if (messages.length > 0) await deliver('dead-letters', messages);
      }
    }

    async function pass(minutes: number) {
      clock.advance(minutes * 60_000);
      await services().relay();
      await runQueues();
    }
    return { ...system, pass, points, runQueues, state };
  }

  test('an outage of hours makes no dead letters, and all work completes after it by itself', async () => {
    const { countMails, id, pass, points, runQueues, sender, state } = await givenOutage();
    state.isAway = true;
    await runQueues();
    for (let hour = 0; hour < 8; hour++) {
      // In every second hour D1 is away too, so not even the failures can be recorded.
      state.isDatabaseAway = hour % 2 === 1;
      for (const minutes of [5, 15, 40]) await pass(minutes);
      expect((await allDeliveries()).map(({ status }) => status)).toEqual(['pending', 'pending']);
    }
    expect((await allDeliveries()).map(({ failures }) => failures)).toEqual([0, 0]);
    state.isAway = false;
    state.isDatabaseAway = false;
    // The sender refuses as often as the test told it to; what it did not use ends with the outage.
    sender.recover();
    // An unclear put may still arrive, so its key is projected a second time before the delivery is done.
    for (const minutes of [61, 1, 61]) await pass(minutes);
    expect(await allDeliveries()).toEqual([]);
    expect(countMails()).toBe(1);
    expect(points).toHaveLength(1);
    expect(await env.VIEWS.get(userView.kvKey(id), 'json')).toMatchObject({ data: { id } });
  });

  /** A system whose Analytics Engine refuses the data points of one stream. */
  async function givenPoints() {
    const points: string[] = [];
    const state = { refused: '' };
    const system = await given({
      ANALYTICS: {
        writeDataPoint(point) {
          const id = `${point?.blobs?.[2]}`;
          if (id === state.refused) throw new Error('Analytics Engine is away.');
          points.push(id);
        },
      },
    });
    return { points, state, system };
  }

  test('a data point is written once, after the documents, and one that is refused is missing (product 7.9)', async () => {
    const { points, state, system } = await givenPoints();
    state.refused = system.id;
    const messages = system.sent.projections.splice(0);
    // Queues deliver messages twice, and in parallel.
    const twice = [...messages, ...messages];
    await Promise.all([system.deliver('projections', twice), system.deliver('projections', messages)]);
    system.clock.advance(2_000);
    expect((await system.deliver('projections', twice)).retried).toEqual([]);
    expect(points).toEqual(messages.map(({ subject }) => subject.split('/')[1]).filter((id) => id !== system.id));
    expect(system.logs.filter((line) => line.includes('data-point.failed'))).toHaveLength(1);
    expect(await env.VIEWS.get(userView.kvKey(system.id), 'json')).toMatchObject({ data: { id: system.id } });
  });
});

test('an e-mail whose record got lost on its way is recorded once more, so that nobody gets it twice (product 7.2)', async () => {
  const { clock, find } = await given();
  const failures = [new Error('D1_ERROR: Network connection lost.')];
  const withSession = (from: string) => {
    const session = env.DB.withSession(from);
    const prepare = (text: string) => {
      const error = text.includes('DELETE FROM deliveries') && failures.shift();
      if (error) throw error;
      return session.prepare(text);
    };
    return { prepare, batch: session.batch.bind(session), getBookmark: () => null };
  };
  const event = (await find('emails')) ?? { position: 0, id: '' };
  const database = { withSession } as unknown as D1Database;
  await createOutbox(database, clock, async () => {}).complete('emails', [event]);
  expect([failures, await find('emails')]).toEqual([[], undefined]);
});

describe('dead letters (product 7.3)', () => {
  test('no function of the outbox but a replay changes a dead letter', async () => {
    const { clock, find, outbox } = await given();
    const event = (await find('emails')) ?? { position: 0, id: '' };
    await outbox.markDead('emails', [event], 'EmailError: SMTP_550');
    const before = await find('emails');
    expect((await outbox.claim('emails', [event])).results.get(event.id)).toBe('finished');
    await outbox.recordFailure('emails', event, { error: 'x', fault: 'own' }, 1);
    expect(await outbox.putOff('emails', event, 'x', 'unclear')).toBe('nobody');
    await outbox.markDead('emails', [event], 'x');
    expect(await outbox.bury('emails', event)).toBe(false);
    await createDueDeliveries(env.DB, clock).giveBack('emails', [event]);
    expect(await find('emails')).toEqual(before);
  });

  test.each<[string, (outbox: Outbox, event: EventKey) => Promise<unknown>]>([
    ['is given up by its queue', (outbox, event) => outbox.bury('emails', event)],
    ['has been put off too often', (outbox, event) => outbox.putOff('emails', event, 'x', 'refused')],
    ['is refused', (outbox, event) => outbox.markDead('emails', [event], 'x')],
  ])(
    'a delivery that %s is the fault of the system, although it has the fault of before its replay (product 7.7)',
    async (_, kill) => {
      const { find, outbox } = await given();
      const event = (await find('emails')) ?? { position: 0, id: '' };
      // A Worker of before the column replays a dead letter without its fault.
      await env.DB.prepare(
        "UPDATE deliveries SET fault = 'recipient', failures = 1, attempts = ? WHERE subscription = 'emails'",
      )
        .bind(limits.relaySendsPerEmail)
        .run();
      await kill(outbox, event);
      expect(await find('emails')).toMatchObject({ status: 'dead', fault: null });
    },
  );

  test('a dead letter shows the final refusal of a provider, and not an error of before', async () => {
    const { deliver, find, sender, sent } = await given();
    sender.failWith(new EmailError('SMTP_451', 'for-now'));
    await deliver('emails', sent.emails);
    expect((await find('emails'))?.last_error).toBe('EmailError: SMTP_451');
    sender.failWith(new EmailError('SMTP_550', 'for-good'));
    expect(await deliver('emails', sent.emails)).toEqual({ acked: ['m0'], retried: [] });
    expect(await find('emails')).toMatchObject({
      status: 'dead',
      failures: 1,
      last_error: 'EmailError: SMTP_550',
      claimed_until: 0,
    });
  });

  test('a failure of the platform is shown until the work itself fails, whose error it then does not hide', async () => {
    const { find, outbox } = await given();
    const event = (await find('emails')) ?? { position: 0, id: '' };
    const fail = (error: string, fault: 'own' | 'platform') =>
      outbox.recordFailure('emails', event, { error, fault }, 10);
    const seen: unknown[] = [];
    for (const [error, fault] of [
      ['Away', 'platform'],
      ['TypeError', 'own'],
      ['Away', 'platform'],
      ['ZodError', 'own'],
    ] as const) {
      await fail(error, fault);
      const { failures, last_error } = (await find('emails')) ?? {};
      seen.push([failures, last_error]);
    }
    expect(seen).toEqual([
      [0, 'Away'],
      [1, 'TypeError'],
      [1, 'TypeError'],
      [2, 'ZodError'],
    ]);
  });

  test('after a failure the relay waits until the retry of the queue has happened', async () => {
    const { clock, find, outbox } = await given();
    const event = (await find('emails')) ?? { position: 0, id: '' };
    const before = clock.now();
    await outbox.recordFailure('emails', event, { error: 'Away', fault: 'platform' }, 300);
    expect((await find('emails'))?.available_at).toBeGreaterThanOrEqual(before + 360_000);
  });

  test('a failure has its time: the first one stays, and the last one moves on', async () => {
    const { clock, find, outbox } = await given();
    const event = (await find('projections')) ?? { position: 0, id: '' };
    const fail = async () => {
      await outbox.recordFailure('projections', event, { error: 'Away', fault: 'platform' }, 2);
      return find('projections');
    };
    const before = clock.now();
    const first = await fail();
    expect([first?.first_failed_at, first?.last_failed_at]).toEqual([first?.last_failed_at, expect.any(Number)]);
    expect(first?.first_failed_at).toBeGreaterThanOrEqual(before);
    clock.advance(60_000);
    const second = await fail();
    expect(second?.first_failed_at).toBe(first?.first_failed_at);
    expect(second?.last_failed_at).toBeGreaterThanOrEqual(before + 60_000);
  });

  test('a tenth of the wait of a delivery is random, so that what failed together does not come back together', async () => {
    const { db } = openSession(env.DB, 'first-primary');
    const waits = sql`SELECT ${growingWait(() => 0)} AS least, ${growingWait(() => 1)} AS most FROM (SELECT 3 AS attempts)`;
    expect(await db.all(waits)).toEqual([{ least: 432_000, most: 480_000 }]);
  });

  test('a failure does not shorten the wait of a delivery that the relay has sent many times', async () => {
    const { clock, find, outbox } = await given();
    const event = (await find('emails')) ?? { position: 0, id: '' };
    const anHour = clock.now() + 3_600_000;
    await env.DB.prepare("UPDATE deliveries SET available_at = ? WHERE subscription = 'emails'").bind(anHour).run();
    await outbox.recordFailure('emails', event, { error: 'Away', fault: 'platform' }, 2);
    expect((await find('emails'))?.available_at).toBe(anHour);
  });

  test('an event of a newer version waits for that version, and is no dead letter', async () => {
    const { deliver, find, sent } = await given();
    const newer = sent.emails.map((message) => ({ ...message, schemaversion: 99 }));
    await deliver('emails', newer);
    await deliver('dead-letters', newer);
    expect(await find('emails')).toMatchObject({ status: 'pending', failures: 0, last_error: 'UnreadableEventError' });
  });

  test('a message that its queue gave up without a fault of its own leaves a delivery that waits', async () => {
    const { deliver, find, logs, sender, sent } = await given();
    sender.failWith(new EmailError('SMTP_451', 'for-now'));
    await deliver('emails', sent.emails);
    expect(await deliver('dead-letters', sent.emails)).toEqual({ acked: ['m0'], retried: [] });
    expect((await find('emails'))?.status).toBe('pending');
    expect(logs.join()).toContain('dead-letter.without-fault');
  });

  test('a message of another epoch in the dead-letter queue buries nothing', async () => {
    const { deliver, find, sender, sent } = await given();
    sender.failWith(new TypeError('a defect'));
    await deliver('emails', sent.emails);
    await deliver('dead-letters', [{ ...sent.emails[0], epoch: 'another' }]);
    expect((await find('emails'))?.status).toBe('pending');
  });

  test('a duplicate in the dead-letter queue does not bury again what an operator replayed', async () => {
    const system = await givenOperators();
    const { deliver, sender, send, sent } = system;
    sent.emails.length = 0;
    await send('POST', '/v1/users', { name: 'Ada', email: `${crypto.randomUUID()}@example.com`, password });
    const [message] = sent.emails;
    const status = async () => (await allDeliveries()).find(({ subscription }) => subscription === 'emails')?.status;
    sender.failWith(new TypeError('a defect'));
    await deliver('emails', [message]);
    await deliver('dead-letters', [message]);
    expect(await status()).toBe('dead');
    expect((await post(system, `dead-letters/${message?.position}-emails/replay`)).status).toBe(200);
    expect(await status()).toBe('pending');
    await deliver('dead-letters', [message]);
    expect(await status()).toBe('pending');
    // A defect leaves it open whether the provider has the e-mail, so the claim still holds.
    system.clock.advance(61_000);
    await deliver('emails', [message]);
    expect(await status()).toBeUndefined();
    expect(sender.sent).toHaveLength(3);
  });
});

describe('an e-mail that the provider puts off (product 7.2, 7.3)', () => {
  test('an e-mail is tried for four days with waits of up to an hour, and is dead then', async () => {
    // The random part of a wait is at its largest.
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { clock, find, outbox } = await given();
    const due = createDueDeliveries(env.DB, clock);
    const event = (await find('emails')) ?? { position: 0, id: '' };
    const begin = clock.now();
    const waits: number[] = [];
    const triers: string[] = [];
    // With a bound, so that a test of an e-mail that is tried for ever ends.
    for (let tries = 0; tries < 200 && triers.at(-1) !== 'nobody'; tries++) {
      triers.push(await outbox.putOff('emails', event, 'EmailError: SMTP_451', 'refused'));
      const wait = ((await find('emails'))?.available_at ?? 0) - clock.now();
      waits.push(Math.round(wait / 60_000));
      clock.advance(wait + 1);
      await due.take('emails', 1);
    }
    // The queue's own retries end with the first message; from then on the relay decides when to try.
    expect(triers.slice(0, 3)).toEqual(['queue', 'relay', 'relay']);
    expect(waits.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(Math.max(...waits)).toBe(60);
    const days = (clock.now() - begin) / 86_400_000;
    expect(days).toBeGreaterThan(3.8);
    expect(days).toBeLessThan(4.2);
    expect(await find('emails')).toMatchObject({ status: 'dead', last_error: 'EmailError: SMTP_451' });
  });

  test('a message of the relay that is put off is acknowledged, because the relay decides about the next try', async () => {
    const { clock, deliver, sender, sent, services } = await given();
    const [first] = sent.emails.splice(0);
    clock.advance(31_000);
    await services().relay();
    sender.failWith(new EmailError('SMTP_451', 'for-now'));
    expect(await deliver('emails', sent.emails)).toEqual({ acked: ['m0'], retried: [] });
    // The provider has refused clearly, so a message that still waits in the queue may try at once.
    expect(await deliver('emails', [first])).toEqual({ acked: ['m0'], retried: [] });
    expect(sender.sent).toHaveLength(1);
  });

  test('every provider has a deadline, after which the relay tries again and the claim still holds', async () => {
    const { clock, env: bindings, find, sent } = await given();
    const waits: number[] = [];
    const silent: EmailSender = { send: () => new Promise(() => {}) };
    // The deadline of the e-mail passes, and those of D1 do not.
    const wait = (ms: number) => (ms === sendingMs ? Promise.resolve(waits.push(ms)) : new Promise(() => {}));
    const services = compose(bindings, () => {}, {
      clock,
      emailSender: silent,
      logger: createLogger({}, () => {}),
      wait,
    });
    const batch = createMessageBatch('frontdesk-emails', [
      { id: 'm0', timestamp: new Date(), attempts: 1, body: sent.emails[0] },
    ]);
    await services.consume(batch);
    const { retryMessages } = await getQueueResult(batch, createExecutionContext());
    expect([retryMessages.length, waits]).toEqual([0, [sendingMs]]);
    expect(await find('emails')).toMatchObject({ last_error: 'UnclearEmailError: TIMED_OUT' });
    expect((await find('emails'))?.claimed_until).toBeGreaterThan(clock.now());
  });

  test('a duplicate in the dead-letter queue buries no e-mail because of one unclear outcome (product 7.3)', async () => {
    const { deliver, find, outbox, sender, sent } = await given();
    sender.failWith(new UnclearEmailError('TIMED_OUT'));
    await deliver('emails', sent.emails);
    const event = (await find('emails')) ?? { position: 0, id: '' };
    expect(await outbox.bury('emails', event)).toBe(false);
    expect(await find('emails')).toMatchObject({ status: 'pending', failures: 0 });
  });

  test('after an unclear outcome no second e-mail begins until the claim has run out', async () => {
    const { clock, countMails, deliver, find, sender, sent } = await given();
    sender.failWith(new UnclearEmailError('TIMED_OUT'));
    expect((await deliver('emails', sent.emails)).retried).toEqual([]);
    expect(await find('emails')).toMatchObject({ status: 'pending', last_error: 'UnclearEmailError: TIMED_OUT' });
    clock.advance(50_000);
    expect((await deliver('emails', sent.emails)).retried).toEqual(['m0']);
    expect(countMails()).toBe(0);
    clock.advance(11_000);
    expect((await deliver('emails', sent.emails)).acked).toEqual(['m0']);
    expect(countMails()).toBe(1);
  });

  test('a provider that never answers gets an e-mail three times, and then an operator decides', async () => {
    const { clock, deliver, find, sender, sent } = await given();
    for (const status of ['pending', 'pending', 'dead']) {
      sender.failWith(new UnclearEmailError('TIMED_OUT'));
      await deliver('emails', sent.emails);
      expect(await find('emails')).toMatchObject({ status, last_error: 'UnclearEmailError: TIMED_OUT' });
      clock.advance(3_600_000);
    }
  });
});

describe('the relay (product 7.1)', () => {
  const before = { ...limits };
  afterEach(() => {
    Object.assign(limits, before);
    vi.restoreAllMocks();
  });

  /** Registers accounts until there are this many deliveries for each subscription, and makes them due. */
  async function givenDue(bindings: Partial<Env>, accounts: number) {
    const system = await given(bindings);
    for (let count = 1; count < accounts; count++) {
      const email = `${crypto.randomUUID()}@example.com`;
      await system.send('POST', '/v1/users', { name: 'Ada', email, password });
    }
    for (const messages of Object.values(system.sent)) messages.length = 0;
    system.clock.advance(31_000);
    return system;
  }

  const broken = { sendBatch: () => Promise.reject(new Error('Queue send failed: 503')) } as unknown as Queue;

  test('a queue that is down does not cost the others a round, and its deliveries lose no try', async () => {
    Object.assign(limits, { deliveriesPerRelayRound: 1, relayRoundsPerRun: 3 });
    const { clock, logs, sent, services } = await givenDue({ EMAILS_QUEUE: broken }, 4);
    await services().relay();
    expect([sent.projections.length, sent.emails.length]).toEqual([3, 0]);
    const rows = (await allDeliveries()).filter(({ subscription }) => subscription === 'emails');
    expect(rows.map(({ attempts }) => attempts)).toEqual([0, 0, 0, 0]);
    const failed = logs.filter((line) => line.includes('relay.failed')).map((line) => JSON.parse(line));
    // After a round of which the queue took nothing, the others wait for the next run.
    expect(failed.map(({ deliveries, subscription }) => [subscription, deliveries])).toEqual([['emails', 1]]);
    expect(JSON.parse(logs.findLast((line) => line.includes('relay.ran')) ?? '{}')).toMatchObject({ resent: 3 });
    // They are due again a minute later.
    clock.advance(61_000);
    const next = await createDueDeliveries(env.DB, clock).take('emails', 100);
    expect(next).toHaveLength(4);
  });

  test('a delivery that is done, dead or failed since it was sent is finished, for the relay (product 7.10)', async () => {
    const { clock, find } = await givenDue({}, 1);
    const due = createDueDeliveries(env.DB, clock);
    const startedAt = clock.now();
    const sent = await due.take('projections', 10);
    expect(sent).toHaveLength(1);
    expect(await due.findUnfinished('projections', sent, startedAt)).toEqual(sent);
    expect(await due.findUnfinished('projections', [{ position: 0, id: 'none' }], startedAt)).toEqual([]);
    const fails = (at: number) =>
      createOutbox(env.DB, { now: () => at }, async () => {}).recordFailure(
        'projections',
        sent[0] ?? { position: 0, id: '' },
        { error: 'x', fault: 'own' },
        1,
      );
    await fails(startedAt - 1);
    expect(await due.findUnfinished('projections', sent, startedAt)).toEqual(sent);
    await fails(startedAt);
    expect(await due.findUnfinished('projections', sent, startedAt)).toEqual([]);
    expect(await find('projections')).toMatchObject({ status: 'pending' });
  });

  test('a backlog drains by itself: each delivery is sent once, as the consumers finish the ones before (product 7.10)', async () => {
    Object.assign(limits, { deliveriesPerRelayRound: 4, deliveriesInFlight: 8 });
    const delivered: { position: number }[] = [];
    let [isDraining, mostInQueue] = [false, 0];
    /** While the relay waits, the consumer handles three messages; those of a key that is busy come back. */
    const wait: Wait = async (ms, options) => {
      if (options?.signal) return new Promise(() => {});
      system.clock.advance(ms);
      if (!isDraining) return;
      mostInQueue = Math.max(mostInQueue, system.sent.projections.length);
      const messages = system.sent.projections.splice(0, 3);
      const { retried } = await system.deliver('projections', messages);
      system.sent.projections.unshift(...messages.filter((_, index) => retried.includes(`m${index}`)));
      delivered.push(...messages.filter((_, index) => !retried.includes(`m${index}`)));
    };
    const system = createSystem({}, { wait });
    system.clock.advance(++started * 20 * 86_400_000);
    await deleteDeliveries();
    for (let index = 0; index < 12; index++) {
      const email = `${crypto.randomUUID()}@example.com`;
      await system.send('POST', '/v1/users', { name: 'Ada', email, password });
    }
    for (const messages of Object.values(system.sent)) messages.length = 0;
    system.clock.advance(31_000);
    isDraining = true;
    await system.services().relay(deadlines.relayMs);
    const positions = [...delivered, ...system.sent.projections].map(({ position }) => position);
    expect(positions).toHaveLength(12);
    expect(new Set(positions).size).toBe(12);
    expect(mostInQueue).toBeLessThanOrEqual(8);
    expect(delivered.length).toBeGreaterThanOrEqual(4);
  });

  test('a new delivery is left to the send after its commit for half a minute', async () => {
    const { clock } = await given();
    const due = createDueDeliveries(env.DB, clock);
    clock.advance(20_000);
    expect(await due.take('projections', 10)).toEqual([]);
    clock.advance(11_000);
    expect(await due.take('projections', 10)).toHaveLength(1);
  });

  test('a subscription with nothing due takes one round', async () => {
    Object.assign(limits, { deliveriesPerRelayRound: 2, relayRoundsPerRun: 3 });
    const { sent, services } = await givenDue({}, 3);
    await services().relay();
    expect(sent.projections).toHaveLength(3);
  });

  test('the relay waits longer after each send, up to an hour, and never makes a dead letter', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { clock, find, services, sent } = await givenDue({}, 1);
    const waits: number[] = [];
    for (let send = 0; send < 30; send++) {
      await services().relay();
      const { available_at: next = 0, status } = (await find('projections')) ?? {};
      expect(status).toBe('pending');
      waits.push(Math.round((next - clock.now()) / 60_000));
      clock.advance(next - clock.now() + 1);
    }
    expect(waits.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(sent.projections).toHaveLength(30);
  });

  test('an event whose row cannot be read becomes a dead letter, and the others are sent (product 7.3)', async () => {
    const { find, sent, services } = await givenDue({}, 3);
    const unreadable = (await find('projections')) ?? { position: 0, id: '' };
    const { data } = (await env.DB.prepare('SELECT data FROM events WHERE id = ?').bind(unreadable.id).first()) ?? {};
    const setData = (text: unknown) =>
      env.DB.prepare('UPDATE events SET data = ? WHERE id = ?').bind(text, unreadable.id).run();
    await setData('{');
    await services().relay();
    expect(sent.projections).toHaveLength(2);
    expect(await find('projections')).toMatchObject({ id: unreadable.id, status: 'dead', last_error: 'SyntaxError' });
    const listed = await findDeadLetters(openSession(env.DB, 'first-primary').db, { subscription: 'projections' }, 10);
    expect(listed).toMatchObject([{ position: unreadable.position, lastError: 'SyntaxError' }]);
    await setData(data);
  });

  test('the delivery that has been due the longest is sent first', async () => {
    const { clock, find } = await givenDue({}, 2);
    const first = await find('emails');
    await env.DB.prepare("UPDATE deliveries SET available_at = ? WHERE position = ? AND subscription = 'emails'")
      .bind(clock.now(), first?.position ?? 0)
      .run();
    const [taken] = await createDueDeliveries(env.DB, clock).take('emails', 1);
    expect(taken?.position).toBeGreaterThan(first?.position ?? 0);
  });
});
