import { requireAddress } from './address';
import type { Mailbox } from './email-config';
import { EmailError, type EmailSender, type Refusal, UnclearEmailError } from './email-sender';
import { headersOf } from './headers';

/** After an error without a code, or with this one, Cloudflare may have accepted the e-mail. */
const unclearCodes = ['E_UNKNOWN', 'E_INTERNAL_SERVER_ERROR'];

/** The codes of what is wrong with the message or the installation; every later try gets them again. */
const permanentCode =
  /^E_(?:VALIDATION_ERROR|FIELD_MISSING|SENDER_\w+|RECIPIENT_NOT_ALLOWED|CONTENT_TOO_LARGE|HEADERS?_\w+)$/;

/** The code of an error. Anything else that stands in its place could contain an address. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^E_[A-Z_]{1,60}$/.test(code) ? code : 'E_UNKNOWN';
}

function refusalOf(code: string): Refusal {
  // The mailbox does not exist, or its owner has complained.
  if (code === 'E_RECIPIENT_SUPPRESSED') return 'recipient';
  return permanentCode.test(code) ? 'for-good' : 'for-now';
}

/**
 * Sends e-mail through Cloudflare's `send_email` binding. Cloudflare writes the Message-ID itself, so the header
 * X-Entity-Ref-ID shows that two e-mails are the same. A call cannot be stopped before the invocation ends.
 */
export function createCloudflareEmailSender(binding: SendEmail, from: Mailbox): EmailSender {
  return {
    async send(message) {
      const { to, subject, text, html, messageId } = message;
      const sender = { name: from.name ?? from.email, email: from.email };
      // The recipient's name is left out.
      const recipient = requireAddress(to.email, 'recipient');
      try {
        await binding.send({
          from: sender,
          to: recipient,
          subject,
          text,
          html,
          headers: { 'X-Entity-Ref-ID': messageId, ...headersOf(message) },
        });
      } catch (error) {
        const code = codeOf(error);
        if (unclearCodes.includes(code)) throw new UnclearEmailError(code, error);
        throw new EmailError(code, refusalOf(code), error);
      }
    },
  };
}
