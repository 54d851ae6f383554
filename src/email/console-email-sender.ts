import type { EmailSender } from './email-sender';

/** Prints e-mail instead of sending it: for development alone, where the reader is the one who typed the address. */
export function createConsoleEmailSender(write: (text: string) => void = console.log): EmailSender {
  return {
    async send({ to, subject, text }) {
      write(`\n── e-mail to ${to.email} ──\nSubject: ${subject}\n\n${text}\n──\n`);
    },
  };
}
