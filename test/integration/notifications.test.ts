import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { createKeyedHashes } from '../../src/auth/secret-token';
import { examples } from '../../src/notifications/examples';
import { createUnsubscribeLinks } from '../../src/notifications/unsubscribe-links';
import { newId } from '../../src/platform/ids';
import { excuseDocuments, forgetDocumentsOf } from '../support/document-watch';
import { address, password } from '../support/factories';
import { createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;
type Account = Awaited<ReturnType<System['register']>>;

let started = 0;

const confirm = ({ id }: Account) =>
  env.DB.prepare("UPDATE users SET email_confirmed_at = '2026-01-01T00:00:00.000Z' WHERE id = ?").bind(id).run();

/** A system with a customer in Vienna whose address is confirmed, an agent, and no e-mail that waits. */
async function given(bindings: Partial<Env> = {}) {
  const system = createSystem(bindings);
  system.clock.advance(++started * 120_000);
  const customer = await system.register();
  const agent = await system.register({ role: 'agent' });
  await confirm(customer);
  const settings = { locale: 'de-AT', timezone: 'Europe/Vienna' };
  await system.send('PATCH', `/v1/users/${customer.id}/settings`, settings, customer.bearer);
  await system.deliverQueues();
  system.sender.sent.splice(0);
  return { ...system, customer, agent };
}

type Given = Awaited<ReturnType<typeof given>>;

async function post({ send }: Given, { bearer }: Account, path: string, body: unknown): Promise<string> {
  const response = await send('POST', path, body, bearer);
  expect(response.ok).toBe(true);
  const text = await response.text();
  return text === '' ? '' : JSON.parse(text).id;
}

async function placeOrder(system: Given): Promise<string> {
  const item = { title: 'Win money at evil.example', price: { amount: 2499, currency: 'EUR' } };
  const itemId = await post(system, system.agent, '/v1/items', item);
  const order = { items: [{ itemId, quantity: 2 }], shippingAddress: address };
  return post(system, system.customer, '/v1/orders', order);
}

const deliveriesOfEmails = async () =>
  (await env.DB.prepare("SELECT position FROM deliveries WHERE subscription = 'emails'").all()).results.length;

/** Who receives the newest event. */
const newestReceivers = async () => {
  const { results } = await env.DB.prepare(
    'SELECT subscription FROM deliveries WHERE position = (SELECT max(position) FROM events)',
  ).all<{ subscription: string }>();
  return results.map(({ subscription }) => subscription);
};

describe('what an account is told', () => {
  test('a customer is told of each step of an order, once, in their language (product 11.1, 11.3, 11.4)', async () => {
    const system = await given();
    const { agent, customer, deliver, sender, sent } = system;
    const id = await placeOrder(system);
    await post(system, agent, `/v1/orders/${id}/ship`, {});
    await post(system, agent, `/v1/orders/${id}/deliver`, {});
    const cancelled = await placeOrder(system);
    await post(system, customer, `/v1/orders/${cancelled}/cancel`, {});
    const messages = sent.emails.splice(0);
    await Promise.all([deliver('emails', messages), deliver('emails', [...messages, ...messages])]);
    await deliver('emails', messages);
    const { results } = await env.DB.prepare('SELECT number FROM orders WHERE customer_id = ? ORDER BY number')
      .bind(customer.id)
      .all<{ number: number }>();
    const [first, second] = results.map(({ number }) => `Ihre Bestellung ${number} bei Frontdesk wurde`);
    const subjects = [`${first} aufgegeben`, `${first} versandt`, `${first} zugestellt`, `${second} aufgegeben`];
    expect(sender.sent.map(({ subject }) => subject).toSorted()).toEqual(
      [...subjects, `${second} storniert`].toSorted(),
    );
    for (const { html, text, to } of sender.sent) {
      expect(to.email).toBe(customer.email);
      expect(text).toContain('Guten Tag Grace Hopper,');
      expect(text).toMatch(/ (MEZ|MESZ) /);
      expect(text.replace(/\s/g, ' ')).toContain('€ 49,98');
      // Somebody else has typed the title of the item.
      expect(text + html).not.toContain('evil');
    }
    expect(await deliveriesOfEmails()).toBe(0);
  });

  test('of a ticket a customer is told that it was closed, and nothing that anybody wrote (product 11.1, 11.3)', async () => {
    const system = await given();
    const { agent, customer, deliverQueues, sender, sent } = system;
    const ticket = { subject: 'secret subject', message: 'secret message' };
    const id = await post(system, customer, '/v1/tickets', ticket);
    await post(system, agent, `/v1/tickets/${id}/notes`, { note: 'secret note' });
    await post(system, agent, `/v1/tickets/${id}/status`, { status: 'triaged' });
    expect(sent.emails).toEqual([]);
    await post(system, agent, `/v1/tickets/${id}/status`, { status: 'closed' });
    await post(system, agent, `/v1/tickets/${id}/notes`, { note: 'secret note' });
    await deliverQueues();
    expect(sender.sent.map(({ subject, to }) => [to.email, subject])).toEqual([
      [customer.email, 'Ihre Anfrage bei Frontdesk wurde geschlossen'],
    ]);
    expect(JSON.stringify(sender.sent)).not.toContain('secret');
  });

  test.each([
    ['has turned e-mails off', false, true],
    ['has not confirmed the address', true, false],
  ])('a customer who %s is told of a new password, and of no order (product 11.2)', async (_, isOn, isConfirmed) => {
    const system = await given();
    const { customer, deliverQueues, send, sender } = system;
    if (!isConfirmed)
      await env.DB.prepare('UPDATE users SET email_confirmed_at = NULL WHERE id = ?').bind(customer.id).run();
    await send('PATCH', `/v1/users/${customer.id}/settings`, { emailNotifications: isOn }, customer.bearer);
    await placeOrder(system);
    const change = { password: 'another long password', currentPassword: password };
    expect((await send('PATCH', `/v1/users/${customer.id}`, change, customer.bearer)).status).toBe(200);
    await deliverQueues();
    expect(sender.sent.map(({ subject }) => subject)).toEqual(['Ihr Passwort bei Frontdesk wurde geändert']);
    expect(await deliveriesOfEmails()).toBe(0);
  });

  const change = (sql: string) => async (id: string) => {
    await env.DB.prepare(sql).bind(id).run();
    forgetDocumentsOf(id);
  };
  const reasons = [
    ['has turned e-mails off', change('UPDATE settings SET email_notifications = 0 WHERE user_id = ?')],
    ['has not confirmed the address', change('UPDATE users SET email_confirmed_at = NULL WHERE id = ?')],
    ['is deactivated', change('UPDATE users SET is_active = 0 WHERE id = ?')],
    ['is a service account', change('UPDATE users SET is_service = 1 WHERE id = ?')],
  ] as const;

  test.each(reasons)(
    'an e-mail to a customer who %s costs neither a delivery nor a message (product 11.2)',
    async (_, end) => {
      excuseDocuments('The account is changed without an event.');
      const system = await given();
      const { agent, customer, deliverQueues, sender, sent } = system;
      const [order, ticket] = [
        await placeOrder(system),
        await post(system, customer, '/v1/tickets', { subject: 'A', message: 'A' }),
      ];
      await deliverQueues();
      sender.sent.splice(0);
      await end(customer.id);
      await post(system, agent, `/v1/orders/${order}/ship`, {});
      await post(system, agent, `/v1/tickets/${ticket}/replies`, { message: 'A' });
      await post(system, agent, `/v1/tickets/${ticket}/status`, { status: 'closed' });
      expect([sent.emails, await deliveriesOfEmails()]).toEqual([[], 0]);
      // What else receives these events has its deliveries.
      expect(await newestReceivers()).toContain('projections');
      // Who wants e-mails from now on is told of what happens from now on.
      await confirm(customer);
      await env.DB.prepare('UPDATE users SET is_active = 1, is_service = 0 WHERE id = ?').bind(customer.id).run();
      await env.DB.prepare('UPDATE settings SET email_notifications = 1 WHERE user_id = ?').bind(customer.id).run();
      forgetDocumentsOf(customer.id);
      await post(system, agent, `/v1/orders/${order}/deliver`, {});
      await deliverQueues();
      expect(sender.sent.map(({ subject }) => subject)).toEqual([expect.stringContaining('zugestellt')]);
    },
  );

  test.each(reasons)('a customer who %s when the e-mail is made gets none (product 11.2)', async (_, end) => {
    excuseDocuments('The account is changed without an event.');
    const system = await given();
    const { customer, deliverQueues, sender } = system;
    await placeOrder(system);
    expect(await deliveriesOfEmails()).toBe(1);
    await end(customer.id);
    await deliverQueues();
    expect([sender.sent, await deliveriesOfEmails()]).toEqual([[], 0]);
  });

  test('nobody is told of an order that ends with its account (product 11.1)', async () => {
    const system = await given();
    const { customer, deliverQueues, request, sender } = system;
    await placeOrder(system);
    await deliverQueues();
    sender.sent.splice(0);
    const response = await request(`/v1/users/${customer.id}`, { method: 'DELETE', headers: customer.bearer });
    expect(response.status).toBe(204);
    await deliverQueues();
    expect(sender.sent).toEqual([]);
    expect(await deliveriesOfEmails()).toBe(0);
  });

  test('a rebuild and a repair of all documents send no e-mail (product 11.4)', async () => {
    const system = await given();
    const { deliver, deliverQueues, rebuildMessages, sender, sent, services } = system;
    await placeOrder(system);
    await deliverQueues();
    const before = sender.sent.length;
    const admin = await system.register({ role: 'admin' });
    await deliverQueues();
    sender.sent.splice(before);
    await post(system, admin, '/v1/operations/projections/order/rebuild', {});
    while (rebuildMessages.length > 0) await deliver('rebuilds', rebuildMessages.splice(0));
    await services().reconcile();
    await services().relay();
    expect([sent.emails, sender.sent.length]).toEqual([[], before]);
  });
});

describe('the link that ends e-mails (product 11.5)', () => {
  const wantsEmails = async ({ id }: { id: string }) =>
    (await env.DB.prepare('SELECT email_notifications AS wants FROM settings WHERE user_id = ?')
      .bind(id)
      .first('wants')) === 1;

  /** A system, and the path and query of the link in an e-mail about an order. */
  async function givenLink() {
    const system = await given({ PUBLIC_URL: 'https://api.shop.example' } as Partial<Env>);
    await placeOrder(system);
    await system.deliverQueues();
    const [email] = system.sender.sent;
    const url = email?.unsubscribeUrl ?? '';
    expect(url).toMatch(/^https:\/\/api\.shop\.example\/unsubscribe\?token=/);
    expect([email?.text, email?.html.replaceAll('&amp;', '&')]).toEqual([
      expect.stringContaining(url),
      expect.stringContaining(url),
    ]);
    return { ...system, link: url.replace('https://api.shop.example', '') };
  }

  /** What a mail program sends for a click (RFC 8058, 3.1). */
  const click = ({ request }: Pick<System, 'request'>, link: string) =>
    request(link, { method: 'POST', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) });

  test('one click ends the e-mails of an account without a sign-in, and a second one changes nothing', async () => {
    const system = await givenLink();
    const { customer, deliverQueues, link, logs, sender } = system;
    for (const expected of [2, 2]) {
      const response = await click(system, link);
      expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/html; charset=UTF-8']);
      expect(await response.text()).toContain('<html lang="de">');
      expect(await wantsEmails(customer)).toBe(false);
      const { results } = await env.DB.prepare(
        "SELECT data, metadata FROM events WHERE stream_type = 'settings' AND stream_id = ?",
      )
        .bind(customer.id)
        .all<{ data: string; metadata: string }>();
      expect(results.length).toBe(expected);
      expect(JSON.parse(results[1]?.data ?? '')).toEqual({ fields: ['emailNotifications'] });
      expect(JSON.parse(results[1]?.metadata ?? '')).not.toHaveProperty('actorId');
    }
    sender.sent.splice(0);
    await placeOrder(system);
    await deliverQueues();
    expect(sender.sent).toEqual([]);
    // The token is a secret of the mailbox.
    expect(logs.join('\n')).not.toContain(new URLSearchParams(link.split('?')[1]).get('token'));
  });

  test('a program that follows links changes nothing: the page has a button that works without a script', async () => {
    const system = await givenLink();
    for (const method of ['GET', 'HEAD']) expect((await system.request(system.link, { method })).status).toBe(200);
    const response = await system.request(system.link);
    const text = await response.text();
    expect(text).toContain(
      '<form method="post"><button name="List-Unsubscribe" value="One-Click">E-Mails abschalten</button>',
    );
    expect(text).not.toContain('<script');
    expect(response.headers.get('Content-Security-Policy')).toContain("form-action 'self'");
    expect(await wantsEmails(system.customer)).toBe(true);
  });

  test('the answer does not show whether the account exists', async () => {
    const system = await givenLink();
    const { customer, link, request } = system;
    const known = [await (await request(link)).text(), await (await click(system, link)).text()];
    await request(`/v1/users/${customer.id}`, { method: 'DELETE', headers: customer.bearer });
    const gone = [await request(link), await click(system, link)];
    expect(gone.map(({ status }) => status)).toEqual([200, 200]);
    expect(await Promise.all(gone.map((response) => response.text()))).toEqual(known);
  });

  const linksWith = (...secrets: readonly [string, ...string[]]) =>
    createUnsubscribeLinks(createKeyedHashes(secrets), 'https://api.shop.example');

  test('a link that this API did not make changes nothing, and its page says what to do instead', async () => {
    const system = await givenLink();
    const { customer, link, request } = system;
    const other = linksWith('another secret').urlFor(customer.id, 'de').replace('https://api.shop.example', '');
    for (const wrong of [
      other,
      link.slice(0, link.indexOf('&') - 1),
      '/unsubscribe?token=&lang=de',
      '/unsubscribe',
      `${link}`.replace('.', '..'),
    ]) {
      for (const response of [await request(wrong), await click(system, wrong)]) {
        expect(response.status).toBe(400);
        expect(await response.text()).toMatch(/This link does not work|Dieser Link funktioniert nicht/);
      }
    }
    expect(await wantsEmails(customer)).toBe(true);
  });

  test('a link works after a change of the secret, as long as its own secret is the previous one', () => {
    const id = newId();
    const token = new URL(linksWith('old').urlFor(id, 'en')).searchParams.get('token') ?? '';
    expect(linksWith('new', 'old').userIdOf(token)).toBe(id);
    expect(linksWith('newest', 'new').userIdOf(token)).toBeUndefined();
    const [, signature] = token.split('.');
    expect(linksWith('old').userIdOf(`${newId()}.${signature}`)).toBeUndefined();
  });

  test('clicks are limited by the network', async () => {
    const system = await givenLink();
    const none = createSystem({ NETWORK_LIMIT: { limit: async () => ({ success: false }) } as unknown as RateLimit });
    expect((await click(none, system.link)).status).toBe(429);
    expect(await wantsEmails(system.customer)).toBe(true);
  });
});

describe('the previews of e-mails (product 11.3)', () => {
  test('in development a page shows each e-mail in each language, as text and as HTML', async () => {
    const { request } = createSystem();
    const list = await (await request('/docs/emails')).text();
    const links = [...list.matchAll(/href="(\/docs\/emails\/[^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links.length).toBe(2 * Object.values(examples).flat().length);
    for (const link of links) {
      const page = await request(link);
      expect([link, page.status]).toEqual([link, 200]);
      expect(await page.text()).toContain(
        link.includes('/de/') ? '<pre>Guten Tag Ada Byron,' : '<pre>Hello Ada Byron,',
      );
      const mail = await request(`${link}/html`);
      expect(await mail.text()).toMatch(/^<!doctype html><html lang="(en|de)"><meta/);
      expect(mail.headers.get('Content-Security-Policy')).toContain("default-src 'none'; script-src 'self'");
    }
    for (const wrong of ['/docs/emails/fr/welcome-1', '/docs/emails/en/welcome-9', '/docs/emails/fr/welcome-1/html'])
      expect((await request(wrong)).status).toBe(404);
  });

  test('an installation that sends e-mail shows none', async () => {
    const { request } = createSystem({ EMAIL_TRANSPORT: 'cloudflare' } as Partial<Env>);
    for (const path of ['', '/en/welcome-1', '/en/welcome-1/html'])
      expect((await request(`/docs/emails${path}`)).status).toBe(404);
  });
});
