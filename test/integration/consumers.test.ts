import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { createOutbox } from '../../src/cqrs/log/outbox';
import { userView } from '../../src/domains';
import { EmailError } from '../../src/email/email-sender';
import { createSystem } from '../support/system';

let started = 0;

async function given() {
  const system = createSystem();
  // The list of all users is one key for every test: each starts when the claims of the one before are over.
  system.clock.advance(++started * 120_000);
  const user = await system.register();
  const delivery = (subscription: string) =>
    env.DB.prepare(
      `SELECT deliveries.* FROM deliveries JOIN events USING (position)
       WHERE subscription = ? AND stream_id = ? AND type = 'UserRegistered'`,
    )
      .bind(subscription, user.id)
      .first<{ status: string; attempts: number; last_error: string | null; position: number }>();
  return { ...system, user, delivery };
}

describe('the welcome e-mail (product 1.2, 7.2)', () => {
  test('goes out once, however often and at once the message comes', async () => {
    const { sent, deliver, sender, user, delivery } = await given();
    const [message] = sent.emails;
    await Promise.all([deliver('emails', [message]), deliver('emails', [message, message])]);
    await deliver('emails', [message]);
    expect(sender.sent.map(({ to }) => to.email)).toEqual([user.email]);
    expect(sender.sent[0]?.text).toContain('Hello Grace Hopper');
    expect(await delivery('emails')).toBeNull();
  });

  test('a provider that is down delays it and loses nothing', async () => {
    const { sent, deliver, sender, delivery } = await given();
    sender.failWith(new EmailError('SMTP_451', false));
    expect(await deliver('emails', [sent.emails[0]])).toEqual({ acked: [], retried: ['m0'] });
    expect(await delivery('emails')).toMatchObject({
      status: 'pending',
      attempts: 1,
      last_error: 'EmailError: SMTP_451',
    });
    expect(await deliver('emails', [sent.emails[0]])).toEqual({ acked: ['m0'], retried: [] });
    expect(sender.sent.length).toBe(1);
  });

  test('a permanent refusal is a dead letter with its error at once', async () => {
    const { sent, deliver, sender, delivery } = await given();
    sender.failWith(new EmailError('E_RECIPIENT_SUPPRESSED', true));
    expect(await deliver('emails', [sent.emails[0]])).toEqual({ acked: ['m0'], retried: [] });
    expect(await delivery('emails')).toMatchObject({
      status: 'dead',
      last_error: 'EmailError: E_RECIPIENT_SUPPRESSED',
    });
    // A duplicate that is still under way leaves the dead letter to whoever replays it.
    expect(await deliver('emails', [sent.emails[0]])).toEqual({ acked: ['m0'], retried: [] });
    expect(sender.sent).toEqual([]);
  });

  test('nobody writes to who is gone', async () => {
    const { sent, deliver, sender, user, request } = await given();
    await request(`/v1/users/${user.id}`, { method: 'DELETE', headers: user.bearer });
    expect((await deliver('emails', [sent.emails[0]])).acked).toEqual(['m0']);
    expect(sender.sent).toEqual([]);
  });
});

describe('nothing is lost (product 7.1)', () => {
  test('a fast path that is down: the command succeeds and the relay sends what is not handled', async () => {
    const broken = { sendBatch: () => Promise.reject(new Error('queue down')) } as unknown as Queue;
    const down = createSystem({ PROJECTIONS_QUEUE: broken, EMAILS_QUEUE: broken, ANALYTICS_QUEUE: broken });
    const user = await down.register();
    const { services, sent, clock, settle, sender } = createSystem();
    await services().relay();
    expect(sent.emails).toEqual([]);
    clock.advance(31_000);
    await services().relay();
    expect(sent.emails.map(({ subject }) => subject)).toContain(`user/${user.id}`);
    await settle();
    expect(sender.sent.map(({ to }) => to.email)).toContain(user.email);
    expect(await env.VIEWS.get(userView.kvKey(user.id), 'json')).toMatchObject({ data: { email: user.email } });
  });

  test('two relays at once send a delivery once, and each sending waits longer', async () => {
    const { services, sent, clock, user } = await given();
    for (const messages of Object.values(sent)) messages.length = 0;
    clock.advance(31_000);
    await Promise.all([services().relay(), services().relay()]);
    const ours = () => sent.emails.filter(({ subject }) => subject === `user/${user.id}`).length;
    expect(ours()).toBe(1);
    clock.advance(30_000);
    await services().relay();
    expect(ours()).toBe(1);
    clock.advance(31_000);
    await services().relay();
    expect(ours()).toBe(2);
  });
});

describe('failures are isolated and visible (product 7.3)', () => {
  test('a poison message is retried alone, the others are handled', async () => {
    const { sent, deliver, user } = await given();
    const result = await deliver('projections', [{ poison: true }, ...sent.projections, 'nonsense']);
    expect(result.acked).toContain('m1');
    expect(result.retried).toEqual(expect.arrayContaining(['m0', `m${sent.projections.length + 1}`]));
    expect(await env.VIEWS.get(userView.kvKey(user.id), 'json')).toMatchObject({ data: { id: user.id } });
  });

  test('what a queue gave up becomes a dead letter that the relay leaves alone', async () => {
    const { sent, deliver, delivery, services, clock, user } = await given();
    const [message] = sent.emails;
    expect((await deliver('dead-letters', [message, { garbage: 1 }])).acked).toEqual(['m0', 'm1']);
    expect(await delivery('emails')).toMatchObject({ status: 'dead', last_error: expect.stringContaining('last try') });
    sent.emails.length = 0;
    clock.advance(3_600_000);
    await services().relay();
    expect(sent.emails.filter(({ subject }) => subject === `user/${user.id}`)).toEqual([]);
  });

  test('one subscription that fails neither stops nor repeats the others', async () => {
    const { sent, deliver, points, sender, user } = await given();
    sender.failWith(new Error('down'));
    await deliver('emails', [sent.emails[0]]);
    await deliver('projections', sent.projections);
    await deliver('analytics', [...sent.analytics, ...sent.analytics]);
    expect(await env.VIEWS.get(userView.kvKey(user.id), 'json')).toMatchObject({ data: { id: user.id } });
    expect(points.map(({ blobs }) => blobs?.[0])).toEqual(['UserRegistered', 'UserSignedIn']);
    expect(JSON.stringify(points)).not.toContain(user.email);
  });
});

test('events in any order, and twice, leave the same documents', async () => {
  const { sent, deliver, user, clock, send } = await given();
  for (const name of ['One', 'Two', 'Three']) await send('PATCH', `/v1/users/${user.id}`, { name }, user.bearer);
  const shuffled = [...sent.projections].reverse().flatMap((message) => [message, message]);
  for (const message of shuffled) {
    await deliver('projections', [message]);
    clock.advance(1500);
  }
  expect(await env.VIEWS.get(userView.kvKey(user.id), 'json')).toMatchObject({ data: { name: 'Three' }, version: 5 });
});

test('only who holds the claim on an e-mail frees it: a failing duplicate does not', async () => {
  const { clock, delivery } = await given();
  const deliveries = createOutbox(env.DB, clock, async () => {});
  const position = (await delivery('emails'))?.position ?? 0;
  const claim = async () => {
    const taken = await deliveries.claim('emails', [position]);
    return { taken, result: taken.results.get(position) };
  };
  const { taken, result } = await claim();
  expect(result).toBe('claimed');
  await deliveries.recordFailure('emails', position, 'a duplicate failed', 1);
  await deliveries.release('emails', position, { ...taken, until: taken.until - 1 });
  expect((await claim()).result).toBe('claimed-elsewhere');
  await deliveries.release('emails', position, taken);
  expect((await claim()).result).toBe('claimed');
});

test('a claim that came too late to be of use counts as busy', async () => {
  const { clock, delivery } = await given();
  const position = (await delivery('emails'))?.position ?? 0;
  let asked = 0;
  // D1 took 40 seconds to answer.
  const slow = { now: () => clock.now() + (asked++ > 0 ? 40_000 : 0) };
  const { results } = await createOutbox(env.DB, slow, async () => {}).claim('emails', [position]);
  expect(results.get(position)).toBe('claimed-elsewhere');
});
