import type { Mailbox } from './email-config';
import type { EmailSender } from './email-sender';
import { headersOf } from './headers';

/** Prints e-mail in a frame instead of sending it, for development only, because e-mails contain secret links. */
export function createConsoleEmailSender(from: Mailbox, write: (text: string) => void = console.log): EmailSender {
  const address = ({ name, email }: Mailbox) => (name === undefined ? email : `${name} <${email}>`);
  return {
    async send(message) {
      const { to, subject, text } = message;
      const others = Object.entries(headersOf(message)).map(([name, value]) => `${name}: ${value}`);
      const head = [`From:    ${address(from)}`, `To:      ${address(to)}`, `Subject: ${subject}`, ...others, ''];
      const framed = [...head, ...text.trim().split('\n')].map((line) => `│ ${line}`.trimEnd());
      // The frame is open on the right, so that a link can be copied, however long it is.
      write(['', `┌─ e-mail ${'─'.repeat(60)}`, ...framed, `└${'─'.repeat(69)}`, ''].join('\n'));
    },
  };
}
