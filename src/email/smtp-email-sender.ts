import { LogLevel, WorkerMailer } from 'worker-mailer';
import type { Mailbox, SmtpConfig } from './email-config';
import { EmailError, type EmailSender } from './email-sender';

const timeoutMs = 15_000;

/** A 5xx reply is final (RFC 5321, 4.2.1); after every other failure a later try may succeed. */
function toEmailError(error: unknown): EmailError {
  const [, reply] = /\b([45]\d\d)\b/.exec(error instanceof Error ? error.message : '') ?? [];
  return new EmailError(reply ? `SMTP_${reply}` : 'SMTP_FAILED', reply?.startsWith('5') ?? false, error);
}

/** Sends e-mail over SMTP, with one connection for each message. */
export function createSmtpEmailSender(smtp: SmtpConfig, from: Mailbox): EmailSender {
  const { credentials, ...server } = smtp;
  const options = {
    ...server,
    ...(credentials && { credentials, authType: ['plain', 'login'] satisfies ('plain' | 'login')[] }),
    logLevel: LogLevel.NONE,
    socketTimeoutMs: timeoutMs,
    responseTimeoutMs: timeoutMs,
  };
  const domain = from.email.slice(from.email.indexOf('@') + 1);
  return {
    async send({ to, subject, text, html, messageId }) {
      try {
        const mailer = await WorkerMailer.connect(options);
        try {
          await mailer.send({ from, to, subject, text, html, headers: { 'Message-ID': `<${messageId}@${domain}>` } });
        } finally {
          await mailer.close();
        }
      } catch (error) {
        throw toEmailError(error);
      }
    },
  };
}
