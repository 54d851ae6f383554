import type { Wait } from '../platform/clock';
import { withDeadline } from '../platform/deadline';
import { type EmailAttempt, EmailError, type EmailSender, UnclearEmailError } from './email-sender';

/**
 * How long the sending of one e-mail may take, from the connection to the provider's last answer. The claim on its
 * delivery leaves more time (`deliveryTimes.effectMs`), so the attempt is over before another consumer can begin one.
 */
export const sendingMs = 20_000;

/**
 * Gives every e-mail of a sender one deadline. Then the connection is closed. The outcome is unclear, unless the e-mail was
 * not handed over yet: then the same e-mail can be sent again without a doubt.
 */
export function limitSending(sender: EmailSender, wait: Wait): EmailSender {
  return {
    send(message) {
      const running = new AbortController();
      const attempt: EmailAttempt = { signal: running.signal, mayBeAccepted: true };
      const late = () => {
        running.abort();
        return attempt.mayBeAccepted ? new UnclearEmailError('TIMED_OUT') : new EmailError('TIMED_OUT', 'for-now');
      };
      return withDeadline(sendingMs, wait, () => sender.send(message, attempt), late);
    },
  };
}
