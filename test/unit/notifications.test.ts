import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keyPrefix } from '../../src/access/key-text';
import type { LinkTokens } from '../../src/access/link-tokens';
import type { ResetTokens } from '../../src/auth/reset-tokens';
import { lifetimes } from '../../src/auth/session';
import { createNotifying } from '../../src/domains';
import { composeEmail, type Writing } from '../../src/notifications/email';
import { createEmailChannel } from '../../src/notifications/email-channel';
import { examples } from '../../src/notifications/examples';
import { languages, speechFor } from '../../src/notifications/language';
import { isSecurity, limitOf, type Notification, type NotificationKind } from '../../src/notifications/notification';
import { createNotificationService } from '../../src/notifications/notification-service';
import type { NotifiedAccount } from '../../src/notifications/notified-account';
import { formatMoney } from '../../src/platform/money';
import { aLink, aNotifiedAccount } from '../support/factories';
import { createRecordingEmailSender } from '../support/recording-email-sender';

const kinds = Object.keys(examples) as NotificationKind[];
const at = Date.parse('2026-11-22T17:05:00Z');
const unsubscribeUrl = 'https://api.shop.example/unsubscribe?token=t&lang=en';

/** Each example of a kind. */
function notificationsOf(kind: NotificationKind): Notification[] {
  // The facts of an example are those of its kind.
  return examples[kind].map((facts) => ({ userId: 'u', kind, facts }) as Notification);
}

function write(notification: Notification, options: Partial<Writing> = {}, account: Partial<NotifiedAccount> = {}) {
  const footer = isSecurity(notification) ? undefined : unsubscribeUrl;
  return composeEmail(notification, {
    account: aNotifiedAccount(account),
    brand: 'Tea & Co',
    at,
    unsubscribeUrl: footer,
    ...options,
  });
}

describe('the texts of e-mails (product 11.3)', () => {
  test.each(languages)('every e-mail reads in the language %s as it is written in test/unit/expected', (language) => {
    const account = { locale: language === 'en' ? 'en-GB' : 'de-AT', timezone: 'Europe/Vienna' };
    const all = kinds.flatMap((kind) =>
      notificationsOf(kind).map((notification) => {
        const { subject, text } = write(notification, {}, account);
        return `========== ${kind}\nSubject: ${subject}\n\n${text}\n`;
      }),
    );
    const expected = readFileSync(`test/unit/expected/emails-${language}.txt`, 'utf8');
    // No-break spaces cannot be told from others in a file, and Node's version decides where they are.
    expect(all.join('\n').replace(/[\u00a0\u202f]/g, ' ')).toBe(expected);
  });
});

describe('an e-mail as HTML', () => {
  test('it has the words of the plain text, and escapes what a person typed (product 1.9)', () => {
    const [order] = notificationsOf('order-placed');
    if (!order) throw new Error('There is no example of an order.');
    const { html } = write(order, { brand: '<b>Tea</b>' }, { name: '<script>alert(1)</script>', locale: 'de' });
    expect(html).toMatchInlineSnapshot(
      `"<!doctype html><html lang="de"><meta charset="utf-8"><title>Ihre Bestellung 1001 bei &lt;b&gt;Tea&lt;/b&gt; wurde aufgegeben</title><body><p>Guten Tag &lt;script&gt;alert(1)&lt;/script&gt;,</p><p>Ihre Bestellung 1001 wurde am 22. November 2026 um 17:05 GMT+0 aufgegeben. Die Summe beträgt 49,98 €.</p><p>Wir schreiben Ihnen wieder, wenn sie unterwegs ist.</p><hr><p><small>Sie erhalten diese E-Mail, weil E-Mails zu Bestellungen und Anfragen für Ihr Konto bei &lt;b&gt;Tea&lt;/b&gt; eingeschaltet sind. Mit diesem Link schalten Sie sie ab:</small></p><p><a href="https://api.shop.example/unsubscribe?token=t&amp;lang=en">https://api.shop.example/unsubscribe?token=t&amp;lang=en</a></p></body></html>"`,
    );
  });

  test.each(kinds)('the HTML of “%s” has each paragraph and each link of its plain text', (kind) => {
    for (const notification of notificationsOf(kind)) {
      for (const locale of languages) {
        const { html, text } = write(notification, {}, { locale });
        const words = html
          .replace(/^.*<body>/, '')
          .replace(/<a href="[^"]*">/g, '')
          .replace(/<hr>/, '<p>—</p>')
          .replace(/<\/?(small|a|body|html)>/g, '')
          .replace(/^<p>|<\/p>$/g, '')
          .replaceAll('&amp;', '&');
        expect(words.split('</p><p>')).toEqual(text.split('\n\n'));
      }
    }
  });

  test.each(kinds)('“%s” greets by a name that may be shown, and else without one (product 1.9)', (kind) => {
    for (const notification of notificationsOf(kind)) {
      const unnamed = aNotifiedAccount();
      delete unnamed.name;
      const without = write(notification, { account: unnamed });
      expect(without.text).toMatch(/^Hello,\n/);
      expect(write(notification).text).toBe(without.text.replace('Hello,', 'Hello Ada Byron,'));
    }
  });
});

describe('whom a notification reaches (product 11.1, 11.2)', () => {
  const ofAccounts = ['address-changed', 'password-changed', 'api-key-created'];
  const always = kinds.filter((kind) => ['welcome', 'confirm-address', 'password-reset', ...ofAccounts].includes(kind));

  /** The addresses that get the e-mails of all kinds. */
  async function told(account: Partial<NotifiedAccount>, allows = true) {
    const sender = createRecordingEmailSender();
    const limiter = { allows: async () => allows };
    const channel = createEmailChannel({ brand: 'Tea', limiter, sender, unsubscribeUrlFor: () => unsubscribeUrl });
    const service = createNotificationService(channel);
    for (const notification of kinds.flatMap(notificationsOf)) {
      const occasion = { eventId: notification.kind, occurredAt: at };
      await (await service.notify(aNotifiedAccount(account), notification, occasion))?.();
    }
    return sender.sent;
  }
  const kindsOf = (sent: readonly { messageId: string }[]) => [...new Set(sent.map(({ messageId }) => messageId))];

  test.each([
    [true, true, kinds],
    [true, false, always],
    [false, true, always],
    [false, false, always],
  ] as const)(
    'with the setting %s, and an address that is confirmed: %s',
    async (emailNotifications, isConfirmed, expected) => {
      expect(kindsOf(await told({ emailNotifications, isConfirmed }))).toEqual(expected);
    },
  );

  test('exactly what is not for security has a link that ends it (product 11.5)', async () => {
    const sent = await told({});
    expect(kindsOf(sent.filter((message) => message.unsubscribeUrl === undefined))).toEqual(always);
    for (const { html, text, unsubscribeUrl: url } of sent) {
      expect([text.includes('unsubscribe'), html.includes('unsubscribe')]).toEqual([
        url !== undefined,
        url !== undefined,
      ]);
    }
  });

  test('what a stranger can cause has a limit for each address (product 1.9)', async () => {
    const limited = (isConfirmed: boolean) => kinds.filter((kind) => limitOf({ kind }, { isConfirmed }));
    expect(limited(false)).toEqual(always);
    expect(limited(true)).toEqual(always.filter((kind) => !ofAccounts.includes(kind)));
    expect(kindsOf(await told({}, false))).toEqual(kinds.filter((kind) => !limited(true).includes(kind)));
  });

  test('the address that an account had is told of each change if it was confirmed, also of changing there and back (product 1.9)', () => {
    const limit = (isToConfirmed?: boolean) =>
      limitOf(
        { kind: 'address-changed', to: 'old@example.com', ...(isToConfirmed !== undefined && { isToConfirmed }) },
        { isConfirmed: true },
      );
    expect(limit(true)).toBeUndefined();
    for (const unknown of [limit(false), limit()]) expect(unknown?.kind).toBe('address-changed');
  });

  test('the limit for links is shorter than the time between two links of one account (product 2.6)', () => {
    const limit = limitOf({ kind: 'password-reset' }, { isConfirmed: true });
    expect(limit?.everyMs).toBeLessThan(lifetimes.betweenResetsMs);
  });

  test('a notification can name another address than that of the account', async () => {
    const sender = createRecordingEmailSender();
    const asked: string[] = [];
    const limiter = { allows: async (_: unknown, { address }: { address: string }) => asked.push(address) > 0 };
    const channel = createEmailChannel({ brand: 'Tea', limiter, sender, unsubscribeUrlFor: () => '' });
    const notification = {
      userId: 'u',
      kind: 'address-changed',
      facts: { reader: 'old' },
      to: 'old@example.com',
    } as const;
    const send = await channel.prepare(aNotifiedAccount(), notification, { eventId: 'e', occurredAt: at });
    await send?.();
    expect([asked, sender.sent[0]?.to.email]).toEqual([['old@example.com'], 'old@example.com']);
  });
});

describe('what follows an event (product 11.1)', () => {
  const id = '019be000-0000-7000-8000-000000000001';
  const facts = { number: 1001, total: { amount: 1, currency: 'EUR' } };

  const changeId = '019be000-0000-7000-8000-000000000002';
  const usedId = '019be000-0000-7000-8000-000000000003';
  const goneId = '019be000-0000-7000-8000-000000000004';
  const links = [
    aLink({ id: 'stream', userId: 'stream', kind: 'registration', email: 'own@example.com' }),
    aLink({ id: changeId, userId: 'stream', email: 'new@example.com' }),
    aLink({
      id: usedId,
      userId: 'stream',
      email: 'new@example.com',
      previousEmail: 'old@example.com',
      isPreviousConfirmed: true,
      usedAt: 1,
    }),
  ];
  const linkTo = (linkId: string) => ({
    url: `https://shop.example/confirm#token=token of ${linkId}`,
    validMinutes: 10080,
  });

  /** The notification of an event, of which somebody has to be told. */
  async function notificationAfter(type: string, data: object, actorId?: string, streamId = 'stream') {
    const services = {
      findOrderFacts: async (orderId: string) => (orderId === 'stream' ? facts : undefined),
      resetTokens: { tokenFor: (resetId: string) => `token of ${resetId}` } as ResetTokens,
      resetUrl: 'https://shop.example/reset',
      findLink: async (linkId: string) => links.find((link) => link.id === linkId),
      confirmationTokens: { tokenFor: (linkId: string) => `token of ${linkId}` } as LinkTokens,
      confirmationUrl: 'https://shop.example/confirm',
    };
    const metadata = { commandId: 'c', requestId: 'r', ...(actorId !== undefined && { actorId }) };
    const stream = { streamType: 's', streamId, version: 1, schemaVersion: 1, position: 1, id: 'e' };
    const event = { ...stream, type, data, metadata, occurredAt: '2026-01-01T00:00:00.000Z' };
    return createNotifying(services).get(type)?.(event);
  }

  test.each([
    [
      'UserRegistered',
      { role: 'customer' },
      { userId: 'stream', kind: 'welcome', facts: { confirmation: linkTo('stream') } },
    ],
    [
      'EmailConfirmationRequested',
      { purpose: 'again', confirmationId: changeId },
      {
        ...{ userId: 'stream', kind: 'confirm-address', to: 'new@example.com' },
        facts: { purpose: 'change', ...linkTo(changeId) },
      },
    ],
    ['EmailConfirmationRequested', { purpose: 'change', confirmationId: usedId }, undefined],
    ['EmailConfirmationRequested', { purpose: 'change', confirmationId: goneId }, undefined],
    [
      'UserEmailConfirmed',
      { by: 'change', confirmationId: usedId },
      {
        userId: 'stream',
        kind: 'address-changed',
        to: 'old@example.com',
        isToConfirmed: true,
        facts: { reader: 'old' },
      },
    ],
    ['UserEmailConfirmed', { by: 'change', confirmationId: goneId }, undefined],
    ['UserEmailConfirmed', { by: 'password-reset', confirmationId: null }, undefined],
    ['UserUpdated', { fields: ['email'] }, { userId: 'stream', kind: 'address-changed', facts: { reader: 'new' } }],
    ['UserUpdated', { fields: ['name'] }, undefined],
    ['UserPasswordChanged', { by: 'reset' }, { userId: 'stream', kind: 'password-changed', facts: { by: 'reset' } }],
    ['UserPasswordChanged', { by: 'change' }, { userId: 'stream', kind: 'password-changed', facts: { by: 'change' } }],
    [
      'PasswordResetRequested',
      { userId: id },
      {
        userId: id,
        kind: 'password-reset',
        facts: { url: 'https://shop.example/reset#token=token of stream', validMinutes: 60 },
      },
    ],
    ['OrderPlaced', { customerId: id, items: [] }, { userId: id, kind: 'order-placed', facts }],
    ['OrderShipped', { customerId: id, items: [] }, { userId: id, kind: 'order-shipped', facts }],
    ['OrderDelivered', { customerId: id, items: [] }, { userId: id, kind: 'order-delivered', facts }],
    ['OrderCancelled', { customerId: id, items: [] }, { userId: id, kind: 'order-cancelled', facts }],
    ['OrderShipped', { customerId: null, items: [] }, undefined],
    [
      'TicketStatusChanged',
      { customerId: id, from: 'open', to: 'closed' },
      { userId: id, kind: 'ticket-closed', facts: { ticketId: 'stream' } },
    ],
    ['TicketStatusChanged', { customerId: id, from: 'open', to: 'triaged' }, undefined],
    ['TicketReplied', { ticketId: 't', customerId: id, by: 'customer', status: 'open' }, undefined],
    [
      'TicketReplied',
      { ticketId: id, customerId: id, by: 'staff', status: 'open' },
      { userId: id, kind: 'ticket-replied', facts: { ticketId: id } },
    ],
    ['TicketNoteWritten', { ticketId: id, status: 'open' }, undefined],
  ])('%s with %j leads to %j', async (type, data, expected) => {
    const notification = await notificationAfter(type, data);
    if (expected === undefined) expect(notification).toBeUndefined();
    else expect(notification).toMatchObject(expected);
  });

  test.each([
    ['the owner', id, false],
    ['the admin who made it for a service account', changeId, true],
  ])('of a new API key is told %s (product 9.8)', async (_, actorId, isOfService) => {
    const facts = { keyId: id, prefix: keyPrefix(id), isOfService };
    const made = await notificationAfter('ApiKeyCreated', { userId: id, scopes: [], expiresAt: null }, actorId, id);
    expect(made).toEqual({ userId: actorId, kind: 'api-key-created', facts });
  });
});

describe('the words for a reader (product 11.3)', () => {
  test.each([
    ['de', 'de', 'de'],
    ['DE-at', 'de', 'de-AT'],
    ['de-Latn-CH', 'de', 'de-Latn-CH'],
    ['de-u-nu-arab-ca-buddhist', 'de', 'de'],
    ['en-GB', 'en', 'en-GB'],
    ['den', 'en', 'en'],
    ['fr', 'en', 'en'],
    ['tlh-Kore', 'en', 'en'],
    ['x-shop', 'en', 'en'],
    ['not a tag', 'en', 'en'],
  ])('the locale %s is spoken to in %s, with the numbers and times of %s', (given, language, locale) => {
    expect(speechFor(given)).toEqual({ language, locale });
  });

  test('the time is that of the zone of the account, and UTC for a zone that the runtime does not know', () => {
    const [changed] = notificationsOf('password-changed');
    if (!changed) throw new Error('There is no example of a changed password.');
    const textIn = (timezone: string) => write(changed, {}, { timezone }).text;
    expect(textIn('Asia/Kathmandu')).toContain('22 November 2026 at 22:50');
    expect(textIn('America/New_York')).toContain('22 November 2026 at 12:05');
    expect(textIn('Mars/Olympus_Mons')).toContain('22 November 2026 at 17:05 UTC');
  });

  test.each([
    [{ amount: 4998, currency: 'EUR' }, 'en', '€49.98'],
    [{ amount: 4998, currency: 'EUR' }, 'de', '49,98 €'],
    [{ amount: 4998, currency: 'JPY' }, 'en', '¥4,998'],
    [{ amount: 123_456_789, currency: 'USD' }, 'de', '1.234.567,89 $'],
    // The runtime has no digits for these, and ISO 4217 has.
    [{ amount: 4998, currency: 'IQD' }, 'en', 'IQD 4.998'],
    [{ amount: 4998, currency: 'CLF' }, 'en', 'CLF 0.4998'],
    [{ amount: 4998, currency: 'HUF' }, 'en', 'HUF 49.98'],
    [{ amount: 4998, currency: 'XCG' }, 'en', /^(XCG|Cg\.) ?49\.98$/],
  ])('%j reads in %s as %s', (money, locale, expected) => {
    const read = formatMoney(money, locale).replace(/[\u00a0\u202f]/g, ' ');
    if (typeof expected === 'string') expect(read).toBe(expected);
    else expect(read).toMatch(expected);
  });
});
