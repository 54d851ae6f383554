import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { createCloudflareEmailSender } from '../../src/email/cloudflare-email-sender';
import { createConsoleEmailSender } from '../../src/email/console-email-sender';

const from = { name: 'Frontdesk', email: 'hello@frontdesk.example' };
const message = {
  to: { name: 'Ada', email: 'ada@example.com' },
  subject: 'Hello',
  text: 'Hello Ada',
  html: '<p>Hello Ada</p>',
  messageId: 'id-1',
};

const unsubscribeUrl = 'https://api.shop.example/unsubscribe?token=t&lang=en';

test('the send_email binding of the runtime accepts the messages of the Cloudflare sender', async () => {
  await createCloudflareEmailSender(env.EMAIL, from).send(message);
  await createCloudflareEmailSender(env.EMAIL, from).send({ ...message, unsubscribeUrl });
});

test('Cloudflare gets the address of the recipient alone, and none that is no address (product 1.9)', async () => {
  const sent: unknown[] = [];
  // The sender calls no other method.
  const binding = { send: async ({ to }: { to: unknown }) => void sent.push(to) } as unknown as SendEmail;
  const sender = createCloudflareEmailSender(binding, from);
  await sender.send({ ...message, to: { name: 'Ada" <eve@evil.example>', email: 'ada@example.com' } });
  for (const email of ['ada@example.com, eve@evil.example', 'ada@example.com\r\nBcc: eve@evil.example', 'ada']) {
    const refused = sender.send({ ...message, to: { email } });
    await expect(refused).rejects.toMatchObject({ name: 'EmailError', code: 'INVALID_ADDRESS', refusal: 'recipient' });
  }
  expect(sent).toEqual(['ada@example.com']);
});

test.each([
  ['E_RECIPIENT_SUPPRESSED', 'recipient'],
  ['E_SENDER_NOT_VERIFIED', 'for-good'],
  ['E_SENDER_DOMAIN_NOT_AVAILABLE', 'for-good'],
  ['E_RECIPIENT_NOT_ALLOWED', 'for-good'],
  ['E_VALIDATION_ERROR', 'for-good'],
  ['E_HEADERS_TOO_MANY', 'for-good'],
  ['E_RATE_LIMIT_EXCEEDED', 'for-now'],
  ['E_DELIVERY_FAILED', 'for-now'],
])('the error %s is a refusal %s, and its text does not contain the address (product 7.7)', async (code, refusal) => {
  const thrown = Object.assign(new Error('ada@example.com refused'), { code });
  // The sender calls no other method.
  const binding = { send: () => Promise.reject(thrown) } as unknown as SendEmail;
  const sending = createCloudflareEmailSender(binding, from).send(message);
  await expect(sending).rejects.toMatchObject({ code, refusal, message: expect.not.stringContaining('ada@') });
});

test('what Cloudflare says instead of a code is not kept, because it may contain the address', async () => {
  const refusal = Object.assign(new Error('refused'), { code: 'E_ada@example.com' });
  // The sender calls no other method.
  const binding = { send: () => Promise.reject(refusal) } as unknown as SendEmail;
  const sending = createCloudflareEmailSender(binding, from).send(message);
  await expect(sending).rejects.toMatchObject({ name: 'UnclearEmailError', code: 'E_UNKNOWN' });
});

test.each([new Error('Network connection lost.'), Object.assign(new Error('x'), { code: 'E_INTERNAL_SERVER_ERROR' })])(
  'after an error that is no clear refusal the outcome is unclear: %s (product 7.2)',
  async (error) => {
    // The sender calls no other method.
    const binding = { send: () => Promise.reject(error) } as unknown as SendEmail;
    const sending = createCloudflareEmailSender(binding, from).send(message);
    await expect(sending).rejects.toMatchObject({ name: 'UnclearEmailError' });
  },
);

const automatic = { 'Auto-Submitted': 'auto-generated' };

test.each([
  [undefined, automatic],
  // Cloudflare refuses an address without TLS, and mail programs do not use it.
  ['http://localhost:8787/unsubscribe?token=t&lang=en', automatic],
  [
    unsubscribeUrl,
    {
      ...automatic,
      'List-Unsubscribe': `<${unsubscribeUrl}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
  ],
])(
  'an e-mail with the link %s has the headers for it through Cloudflare, and on the console (product 11.5)',
  async (url, expected) => {
    const sent: Record<string, string>[] = [];
    const binding = {
      send: async ({ headers: { 'X-Entity-Ref-ID': _, ...headers } }: { headers: Record<string, string> }) =>
        void sent.push(headers),
      // The sender calls no other method.
    } as unknown as SendEmail;
    await createCloudflareEmailSender(binding, from).send({ ...message, unsubscribeUrl: url });
    expect(sent).toEqual([expected]);
    const printed: string[] = [];
    await createConsoleEmailSender(from, (text) => void printed.push(text)).send({ ...message, unsubscribeUrl: url });
    for (const [name, value] of Object.entries(expected)) expect(printed.join()).toContain(`│ ${name}: ${value}\n`);
  },
);

test('two attempts of an e-mail through Cloudflare have the same X-Entity-Ref-ID (product 7.2)', async () => {
  const ids: unknown[] = [];
  const binding = {
    send: async ({ headers }: { headers: Record<string, string> }) => void ids.push(headers['X-Entity-Ref-ID']),
    // The sender calls no other method.
  } as unknown as SendEmail;
  const sender = createCloudflareEmailSender(binding, from);
  await sender.send(message);
  await sender.send(message);
  expect(ids).toEqual(['id-1', 'id-1']);
});

test('the console sender prints the message instead of sending it', async () => {
  const printed: string[] = [];
  await createConsoleEmailSender(from, (text) => void printed.push(text)).send(message);
  expect(printed.join().split('\n')).toEqual([
    '',
    expect.stringMatching(/^┌─ e-mail ─+$/),
    '│ From:    Frontdesk <hello@frontdesk.example>',
    '│ To:      Ada <ada@example.com>',
    '│ Subject: Hello',
    '│ Auto-Submitted: auto-generated',
    '│',
    '│ Hello Ada',
    expect.stringMatching(/^└─+$/),
    '',
  ]);
});
