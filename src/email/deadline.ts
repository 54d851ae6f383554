import type { Wait } from '../platform/clock';
import { withDeadline } from '../platform/deadline';
import { type EmailSender, UnclearEmailError } from './email-sender';

/**
 * How long the sending of one e-mail may take, from the connection to the provider's last answer. The claim on its
 * delivery leaves more time (`deliveryTimes.effectMs`), so the attempt is over before another consumer can begin one.
 */
export const sendingMs = 20_000;

/** Gives every e-mail of a sender one deadline. Then the connection is closed, and the outcome is unclear. */
export function limitSending(sender: EmailSender, wait: Wait): EmailSender {
  const late = () => new UnclearEmailError('TIMED_OUT');
  return { send: (message) => withDeadline(sendingMs, wait, (signal) => sender.send(message, signal), late) };
}
