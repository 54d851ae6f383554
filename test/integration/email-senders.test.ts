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

test('the console sender prints the message instead of sending it', async () => {
  const printed: string[] = [];
  await createConsoleEmailSender((text) => void printed.push(text)).send(message);
  expect(printed.join()).toContain('Hello Ada');
});
