import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { runSchedule } from '../../src/schedule';
import { password } from '../support/factories';
import { createFaultyD1 } from '../support/faulty-d1';
import { createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;
type Account = Awaited<ReturnType<System['register']>>;

const week = 7 * 24 * 3_600_000;
const address = () => `${newId()}@example.com`;
const confirm = ({ send }: System, token: string, headers: Record<string, string> = {}) =>
  send('POST', '/v1/auth/email-confirmation/confirm', { token }, headers);
const ask = ({ send }: System, { bearer, id }: Account, email: string) =>
  send('PATCH', `/v1/users/${id}`, { email, currentPassword: password }, bearer);

/** What a caller reads of the address of an account when the projections are up to date. */
async function readAddress({ clock, deliverQueues, request }: System, { bearer, id }: Account) {
  // A key that was written within the last second is projected later.
  clock.advance(2000);
  await deliverQueues();
  const { email, emailConfirmed, pendingEmail } = await (await request(`/v1/users/${id}`, { headers: bearer })).json<{
    email: string;
    emailConfirmed: boolean;
    pendingEmail: string | null;
  }>();
  return { email, emailConfirmed, pendingEmail };
}

/** The kinds of e-mails that an address got, oldest first, by the beginning of their subjects. */
const subjectsTo = ({ sender }: System, email: string) =>
  sender.sent.filter(({ to }) => to.email === email).map(({ subject }) => subject);

describe('the address of a new account (product 1.12)', () => {
  test('the welcome e-mail has a link, in the language of the registration, that confirms the address once (product 1.14)', async () => {
    const system = createSystem({ PUBLIC_URL: 'https://api.example' } as Partial<Env>);
    const { deliverQueues, mailedToken, send, sender, signIn } = system;
    const email = address();
    const body = { name: 'Ada', email, password, locale: 'de', timezone: 'Europe/Berlin' };
    const registered = await send('POST', '/v1/users', body);
    const { id } = await registered.json<{ id: string }>();
    await deliverQueues();
    const [welcome] = sender.sent;
    expect([welcome?.to.email, welcome?.subject]).toEqual([email, 'Willkommen bei Frontdesk']);
    expect(welcome?.text).toContain('https://api.example/confirm-email#token=');
    expect(welcome?.text).toContain('7 Tage');
    const account = { id, email, ...(await signIn(email)) };
    expect(await readAddress(system, account)).toEqual({
      email,
      emailConfirmed: false,
      pendingEmail: null,
    });

    const token = mailedToken(email, 'confirm-email');
    const confirmed = await confirm(system, token);
    expect([confirmed.status, await confirmed.text()]).toEqual([204, '']);
    expect(await readAddress(system, account)).toEqual({ email, emailConfirmed: true, pendingEmail: null });
    const again = await confirm(system, token);
    expect([again.status, (await again.json<{ code: string }>()).code]).toEqual([422, 'users.confirmation-used']);
    await deliverQueues();
    // Nobody has to be told that an address stays as it is.
    expect(sender.sent).toHaveLength(1);
  });

  test('a confirmation whose answer was lost can be sent again under its key, and has one effect (product 6.2)', async () => {
    const system = createSystem();
    const { email, id } = await system.register();
    await system.deliverQueues();
    const token = system.mailedToken(email, 'confirm-email');
    const headers = { 'Idempotency-Key': newId() };
    const answers = await Promise.all([confirm(system, token, headers), confirm(system, token, headers)]);
    expect(answers.map(({ status }) => status)).toEqual([204, 204]);
    const count = "SELECT count(*) AS n FROM events WHERE type = 'UserEmailConfirmed' AND stream_id = ?";
    expect(await env.DB.prepare(count).bind(id).first('n')).toBe(1);
    expect((await confirm(system, token)).status).toBe(422);
  });

  test('an account that is not confirmed can use the shop (product 1.15)', async () => {
    const { register, send } = createSystem({ SELLERS: 'everyone' } as unknown as Partial<Env>);
    const account = await register();
    const price = { amount: 100, currency: 'EUR' };
    const item = await send('POST', '/v1/items', { title: 'Rope', price }, account.bearer);
    const { id: itemId } = await item.json<{ id: string }>();
    const shippingAddress = { name: 'A', line1: 'B', postalCode: 'C', city: 'D', country: 'DE' };
    const order = { items: [{ itemId, quantity: 1 }], shippingAddress };
    const ticket = { subject: 'Where is my order?', message: 'Please help.' };
    for (const [path, body] of Object.entries({ '/v1/orders': order, '/v1/tickets': ticket }))
      expect((await send('POST', path, body, account.bearer)).status).toBe(201);
  });

  test('another link is mailed after 15 minutes, and ends the first one; an earlier request sends nothing (product 1.12)', async () => {
    const system = createSystem();
    const { clock, deliverQueues, mailedToken, register, request } = system;
    const account = await register();
    const again = () =>
      request(`/v1/users/${account.id}/email-confirmation`, { method: 'POST', headers: account.bearer });
    await deliverQueues();
    const first = mailedToken(account.email, 'confirm-email');
    expect((await again()).status).toBe(200);
    await deliverQueues();
    expect(subjectsTo(system, account.email)).toEqual(['Welcome to Frontdesk']);
    clock.advance(15 * 60_000);
    Object.assign(account, await system.signIn(account.email));
    expect((await again()).status).toBe(200);
    await deliverQueues();
    expect(subjectsTo(system, account.email)).toEqual([
      'Welcome to Frontdesk',
      'Confirm your e-mail address at Frontdesk',
    ]);
    expect((await (await confirm(system, first)).json<{ code: string }>()).code).toBe('users.confirmation-ended');
    expect((await confirm(system, mailedToken(account.email, 'confirm-email'))).status).toBe(204);
    const refused = await again();
    expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([409, 'users.email-confirmed']);
  });

  test('one address gets one link in 14 minutes, whichever accounts ask for it (product 1.9)', async () => {
    const system = createSystem();
    const [one, two] = [await system.register(), await system.register()];
    const victim = address();
    for (const account of [one, two]) expect((await ask(system, account, victim)).status).toBe(200);
    await system.deliverQueues();
    expect(subjectsTo(system, victim)).toEqual(['Confirm your e-mail address at Frontdesk']);
  });

  test('a link that was used before its e-mail was sent is not sent', async () => {
    const system = createSystem();
    const { clock, deliver, deliverQueues, mailedToken, register, request, sent, signIn } = system;
    const account = await register();
    await deliverQueues();
    clock.advance(15 * 60_000);
    const { bearer } = await signIn(account.email);
    await request(`/v1/users/${account.id}/email-confirmation`, { method: 'POST', headers: bearer });
    await deliver('emails', sent.emails);
    expect(subjectsTo(system, account.email)).toHaveLength(2);
    expect((await confirm(system, mailedToken(account.email, 'confirm-email'))).status).toBe(204);
    // As if the first sender had died: the delivery is there again, and so is its message.
    const [message] = sent.emails;
    const pending = "INSERT INTO deliveries (position, subscription, available_at) VALUES (?, 'emails', 0)";
    await env.DB.prepare(pending).bind(message?.position).run();
    await deliver('emails', sent.emails.splice(0));
    expect(subjectsTo(system, account.email)).toHaveLength(2);
  });

  test('a link that was replaced before its e-mail was sent is not sent', async () => {
    const system = createSystem();
    const account = await system.register();
    const [first, second] = [address(), address()];
    for (const email of [first, second]) await ask(system, account, email);
    await system.deliverQueues();
    expect([subjectsTo(system, first).length, subjectsTo(system, second).length]).toEqual([0, 1]);
  });
});

describe('a change of the address (product 1.13)', () => {
  test('the new address gets the link; after its use both addresses are told, and the new one signs in', async () => {
    const system = createSystem();
    const { deliverQueues, mailedToken, register, request } = system;
    const account = await register();
    await deliverQueues();
    const next = address();
    await ask(system, account, next.toUpperCase());
    const { email } = account;
    expect(await readAddress(system, account)).toEqual({ email, emailConfirmed: false, pendingEmail: next });
    await deliverQueues();
    expect(subjectsTo(system, next)).toEqual(['Confirm your e-mail address at Frontdesk']);
    expect(subjectsTo(system, email)).toEqual(['Welcome to Frontdesk']);

    const confirmed = await confirm(system, mailedToken(next, 'confirm-email'));
    expect(confirmed.status).toBe(204);
    expect(await readAddress(system, account)).toEqual({
      ...{ email: next, emailConfirmed: true, pendingEmail: null },
    });
    await deliverQueues();
    const changed = 'The e-mail address of your account at Frontdesk was changed';
    expect(subjectsTo(system, email)).toEqual(['Welcome to Frontdesk', changed]);
    expect(subjectsTo(system, next)).toEqual(['Confirm your e-mail address at Frontdesk', changed]);
    const textTo = (to: string) => system.sender.sent.findLast((mail) => mail.to.email === to)?.text;
    expect(textTo(email)).toContain('From now on we write to the new address.');
    expect(textTo(email)).not.toContain(next);
    expect(textTo(next)).toContain('From now on you sign in with it');
    const form = (username: string) => ({
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', username, password }),
    });
    expect((await request('/v1/auth/token', form(email))).status).toBe(400);
    expect((await request('/v1/auth/token', form(next))).status).toBe(200);
  });

  test('agents and admins see a pending address, and other customers do not see the account', async () => {
    const system = createSystem();
    const [account, agent, other] = [
      await system.register(),
      await system.register({ role: 'agent' }),
      await system.register(),
    ];
    const next = address();
    await ask(system, account, next);
    expect(await readAddress(system, { ...account, bearer: agent.bearer })).toMatchObject({
      pendingEmail: next,
    });
    const foreign = await system.request(`/v1/users/${account.id}`, { headers: other.bearer });
    expect(foreign.status).toBe(404);
  });

  test('the schedule goes on with the others when one change cannot be ended, and its task has failed (product 1.13)', async () => {
    let refusals = 0;
    const database = createFaultyD1(env.DB, async (call) => {
      if (call.isCommit && /delete from "email_confirmations"/i.test(call.sql) && refusals-- > 0)
        throw new Error('D1_ERROR: malformed JSON: SQLITE_ERROR');
      return call.send();
    });
    const system = createSystem({ DB: database });
    const { clock, logs, register, services } = system;
    // The changes of other tests end first.
    clock.advance(2 * week);
    await runSchedule(services(), '* * * * *');
    const movers = [await register(), await register(), await register()];
    for (const mover of movers) await ask(system, mover, address());
    const pending = async () => {
      const sql = `SELECT id FROM email_confirmations WHERE kind = 'change' AND used_at IS NULL AND user_id IN (?, ?, ?) ORDER BY expires_at, id`;
      const { results } = await env.DB.prepare(sql)
        .bind(...movers.map(({ id }) => id))
        .all<{ id: string }>();
      return results.map(({ id }) => id);
    };
    refusals = 1;
    clock.advance(week + 60_000);
    await runSchedule(services(), '* * * * *');
    const left = await pending();
    expect(left).toHaveLength(1);
    expect(logs.filter((line) => line.includes('email-change.not-expired')).join()).toContain(`${left[0]}`);
    expect(logs.filter((line) => line.includes('schedule.failed')).join()).toContain('email-changes');
    await runSchedule(services(), '* * * * *');
    expect(await pending()).toEqual([]);
  });

  test('the schedule ends a change that nobody has confirmed within a week, and the clean-up deletes what was used', async () => {
    const system = createSystem();
    const { changeEmail, clock, deliverQueues, logs, register, services, signIn } = system;
    const [mover, waiting] = [await register(), await register()];
    await changeEmail(mover, address());
    const next = address();
    await ask(system, waiting, next);
    const rows = async () => {
      const sql =
        'SELECT kind, used_at IS NOT NULL AS used FROM email_confirmations WHERE user_id IN (?, ?) ORDER BY 1, 2';
      return (await env.DB.prepare(sql).bind(mover.id, waiting.id).all()).results;
    };
    const run = () => runSchedule(services(), '* * * * *');
    clock.advance(week - 60_000);
    await run();
    // The link of the registration of the account that has moved was ended by its change.
    const [change, registration] = [
      { kind: 'change', used: 0 },
      { kind: 'registration', used: 0 },
    ];
    expect(await rows()).toEqual([change, { kind: 'change', used: 1 }, registration]);
    clock.advance(120_000);
    await run();
    expect(await rows()).toEqual([]);
    expect(logs.filter((line) => /"email-changes.expired"|"email-confirmations.removed"/.test(line))).toHaveLength(2);
    const newest = 'SELECT type, metadata FROM events WHERE stream_id = ? ORDER BY version DESC LIMIT 1';
    const last = await env.DB.prepare(newest).bind(waiting.id).first<{ type: string; metadata: string }>();
    expect(last?.type).toBe('EmailChangeExpired');
    expect(JSON.parse(last?.metadata ?? '{}').requestId).toMatch(/^expiry:[\da-f-]{36}$/);
    await deliverQueues();
    const headers = { ...(await signIn(waiting.email)).bearer };
    const shown = await (await system.request(`/v1/users/${waiting.id}`, { headers })).json();
    expect(shown).toMatchObject({ email: waiting.email, pendingEmail: null, emailConfirmed: false });
  });

  test('the schedule ends at most as many changes in one run as it may, and the others in the next one', async () => {
    const system = createSystem();
    const most = limits.emailChangesExpiredPerRun;
    limits.emailChangesExpiredPerRun = 1;
    try {
      for (const account of [await system.register(), await system.register()]) await ask(system, account, address());
      system.clock.advance(week);
      const pending = () =>
        env.DB.prepare("SELECT count(*) AS n FROM email_confirmations WHERE kind = 'change'").first('n');
      const before = Number(await pending());
      for (const ended of [1, 2]) {
        await runSchedule(system.services(), '* * * * *');
        expect(await pending()).toBe(before - ended);
      }
    } finally {
      limits.emailChangesExpiredPerRun = most;
    }
  });

  test('a request under one key asks for one change, and PATCH without it keeps the link that was mailed', async () => {
    const system = createSystem();
    const account = await system.register();
    const next = address();
    const versions = [];
    for (let time = 0; time < 3; time++) {
      const response = await ask(system, account, next);
      versions.push((await response.json<{ version: number }>()).version);
    }
    expect(versions).toEqual([2, 2, 2]);
    await system.deliverQueues();
    expect(subjectsTo(system, next)).toHaveLength(1);
  });
});

describe('the page to which the link leads (product 1.12)', () => {
  const load = async (language?: string, bindings: object = {}) => {
    const init = language === undefined ? {} : { headers: { 'Accept-Language': language } };
    const response = await createSystem(bindings as Partial<Env>).request('/confirm-email', init);
    return { response, text: await response.text() };
  };

  test.each([
    [undefined, 'en', 'Confirm your e-mail address'],
    ['de', 'de', 'E-Mail-Adresse bestätigen'],
    ['de-AT, en;q=0.5', 'de', 'E-Mail-Adresse bestätigen'],
    ['fr, de;q=0.4, en;q=0.8', 'en', 'Confirm your e-mail address'],
    ['fr, de;q=0.4', 'de', 'E-Mail-Adresse bestätigen'],
    ['de;q=0, en;q=0.1', 'en', 'Confirm your e-mail address'],
    ['*', 'en', 'Confirm your e-mail address'],
  ])('with the languages %s it is written in %s', async (wanted, language, title) => {
    const { response, text } = await load(wanted);
    expect(text).toContain(`<html lang="${language}">`);
    expect(text).toContain(`<h1>${title}</h1>`);
    expect(response.headers.get('Vary')).toContain('Accept-Language');
    expect(response.headers.get('Cache-Control')).toContain('no-store');
  });

  test('the tag of the page in one language is not that of the page in another', async () => {
    const { response } = await load('en');
    const { request } = createSystem();
    const known = { 'If-None-Match': response.headers.get('ETag') ?? '' };
    const ask = (language: string) => request('/confirm-email', { headers: { ...known, 'Accept-Language': language } });
    expect((await ask('en')).status).toBe(304);
    const german = await ask('de');
    expect([german.status, (await german.text()).includes('<html lang="de">')]).toEqual([200, true]);
  });

  test('it names the shop as text, shows no form without JavaScript, and confirms nothing when it is loaded', async () => {
    const { text } = await load('en', { BRAND: 'Tea & <Co>' });
    expect(text).toContain('<title>Confirm your e-mail address · Tea &amp; &lt;Co&gt;</title>');
    expect(text).toMatch(/<p id="no-script">This page needs JavaScript/);
    expect(text.match(/<form [^>]*>/g)).toEqual(['<form id="confirm" hidden>']);
    expect(text).toMatch(/role="status"/);
    expect(text).toMatch(/role="alert"/);
    const { send, register, deliverQueues, mailedToken, request } = createSystem();
    const { email } = await register();
    await deliverQueues();
    const token = mailedToken(email, 'confirm-email');
    for (const path of [`/confirm-email?token=${token}`, `/v1/auth/email-confirmation/confirm?token=${token}`])
      await request(path);
    expect((await send('POST', '/v1/auth/email-confirmation/confirm', { token })).status).toBe(204);
  });

  test('the link leads to another page if the configuration names one', async () => {
    const other = { EMAIL_CONFIRMATION_URL: 'https://shop.example/confirmed' } as unknown as Partial<Env>;
    const { deliverQueues, register, sender } = createSystem(other);
    await register();
    await deliverQueues();
    expect(sender.sent[0]?.text).toMatch(/https:\/\/shop\.example\/confirmed#token=./);
  });
});
