import type { EmailSender } from './email-sender';

/** Prints e-mail instead of sending it, for development only, because e-mails contain secret links. */
export function createConsoleEmailSender(write: (text: string) => void = console.log): EmailSender {
  return {
    async send({ to, subject, text }) {
      write(`\n── e-mail to ${to.email} ──\nSubject: ${subject}\n\n${text}\n──\n`);
    },
  };
}
