import type { Mailbox } from './email-config';
import { EmailError, type EmailSender } from './email-sender';

const permanentCodes = ['E_RECIPIENT_SUPPRESSED', 'E_SENDER_NOT_VERIFIED', 'E_VALIDATION_ERROR'];

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'E_UNKNOWN';
}

/** Sends e-mail through Cloudflare's `send_email` binding. */
export function createCloudflareEmailSender(binding: SendEmail, from: Mailbox): EmailSender {
  return {
    async send({ to, subject, text, html, messageId }) {
      const sender = { name: from.name ?? from.email, email: from.email };
      try {
        await binding.send({
          from: sender,
          to: to.email,
          subject,
          text,
          html,
          headers: { 'X-Entity-Ref-ID': messageId },
        });
      } catch (error) {
        const code = codeOf(error);
        throw new EmailError(code, permanentCodes.includes(code), error);
      }
    },
  };
}
