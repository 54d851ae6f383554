import type { Wait } from '../platform/clock';
import { type EmailSender, UnclearEmailError } from './email-sender';

/**
 * How long the sending of one e-mail may take, from the connection to the provider's last answer. The claim on its
 * delivery leaves more time (`deliveryTimes.effectMs`), so the attempt is over before another consumer can begin one.
 */
export const sendingMs = 20_000;

/** Gives every e-mail of a sender one deadline. Then the connection is closed, and the outcome is unclear. */
export function withDeadline(sender: EmailSender, wait: Wait): EmailSender {
  return {
    async send(message) {
      const sending = new AbortController();
      const waiting = new AbortController();
      const deadline = wait(sendingMs, { signal: waiting.signal }).then(() => {
        sending.abort();
        throw new UnclearEmailError('TIMED_OUT');
      });
      try {
        await Promise.race([sender.send(message, sending.signal), deadline]);
      } finally {
        waiting.abort();
      }
    },
  };
}
