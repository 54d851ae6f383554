import { requireAddress } from './address';
import type { Mailbox } from './email-config';
import { EmailError, type EmailSender, UnclearEmailError } from './email-sender';

/** After an error without a code, or with this one, Cloudflare may have accepted the e-mail. */
const unclearCodes = ['E_UNKNOWN', 'E_INTERNAL_SERVER_ERROR'];

const permanentCodes = ['E_RECIPIENT_SUPPRESSED', 'E_SENDER_NOT_VERIFIED', 'E_VALIDATION_ERROR'];

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'E_UNKNOWN';
}

/**
 * Sends e-mail through Cloudflare's `send_email` binding. Cloudflare writes the Message-ID itself, so the header
 * X-Entity-Ref-ID shows that two e-mails are the same. A call cannot be stopped before the invocation ends.
 */
export function createCloudflareEmailSender(binding: SendEmail, from: Mailbox): EmailSender {
  return {
    async send({ to, subject, text, html, messageId }) {
      const sender = { name: from.name ?? from.email, email: from.email };
      // The recipient's name is left out.
      const recipient = requireAddress(to.email);
      try {
        await binding.send({
          from: sender,
          to: recipient,
          subject,
          text,
          html,
          headers: { 'X-Entity-Ref-ID': messageId },
        });
      } catch (error) {
        const code = codeOf(error);
        if (unclearCodes.includes(code)) throw new UnclearEmailError(code, error);
        throw new EmailError(code, permanentCodes.includes(code), error);
      }
    },
  };
}
