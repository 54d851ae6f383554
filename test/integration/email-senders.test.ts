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

test('the send_email binding of the runtime accepts the messages of the Cloudflare sender', async () => {
  await createCloudflareEmailSender(env.EMAIL, from).send(message);
});

test('Cloudflare gets the address of the recipient alone, and none that is no address (product 1.9)', async () => {
  const sent: unknown[] = [];
  // The sender calls no other method.
  const binding = { send: async ({ to }: { to: unknown }) => void sent.push(to) } as unknown as SendEmail;
  const sender = createCloudflareEmailSender(binding, from);
  await sender.send({ ...message, to: { name: 'Ada" <eve@evil.example>', email: 'ada@example.com' } });
  for (const email of ['ada@example.com, eve@evil.example', 'ada@example.com\r\nBcc: eve@evil.example', 'ada']) {
    const refused = sender.send({ ...message, to: { email } });
    await expect(refused).rejects.toMatchObject({ name: 'EmailError', code: 'INVALID_ADDRESS', permanent: true });
  }
  expect(sent).toEqual(['ada@example.com']);
});

test.each([
  ['E_RECIPIENT_SUPPRESSED', true],
  ['E_RATE_LIMIT_EXCEEDED', false],
])('the error %s is permanent: %s, and its text does not contain the address', async (code, permanent) => {
  const refusal = Object.assign(new Error('ada@example.com refused'), { code });
  // The sender calls no other method.
  const binding = { send: () => Promise.reject(refusal) } as unknown as SendEmail;
  const sending = createCloudflareEmailSender(binding, from).send(message);
  await expect(sending).rejects.toMatchObject({ code, permanent, message: expect.not.stringContaining('ada@') });
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
  await createConsoleEmailSender((text) => void printed.push(text)).send(message);
  expect(printed.join()).toContain('Hello Ada');
});
