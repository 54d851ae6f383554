// A Worker that does nothing but send one e-mail, so that the real sender meets the errors of the real runtime.
import { createEmailSender } from '../../src/email/create-email-sender';
import { limitSending } from '../../src/email/deadline';
import type { SmtpConfig } from '../../src/email/email-config';
import type { Wait } from '../../src/platform/clock';

/** What the test asks for. The deadline of the e-mail is over when `deadlineUrl` answers, so no test depends on time. */
export interface Order {
  smtp: SmtpConfig;
  deadlineUrl: string;
}

const from = { email: 'hello@frontdesk.example' };
const message = {
  to: { email: 'ada@example.com' },
  subject: 'Hello',
  text: 'Hello',
  html: '<p>Hello</p>',
  messageId: 'id-1',
};

export default {
  async fetch(request: Request): Promise<Response> {
    const { smtp, deadlineUrl }: Order = await request.json();
    const wait: Wait = (_, { signal } = {}) => {
      const waiting = new AbortController();
      signal?.addEventListener('abort', () => waiting.abort());
      return fetch(deadlineUrl, { signal: waiting.signal });
    };
    // SMTP does not use the binding of Cloudflare.
    const sender = createEmailSender({ transport: 'smtp', from, smtp }, undefined as never, { now: () => Date.now() });
    try {
      await limitSending(sender, wait).send(message);
      return Response.json({ sent: true });
    } catch (error) {
      const { name, code, refusal } = error as { name: string; code?: string; refusal?: string };
      return Response.json({ name, code, refusal });
    }
  },
};
