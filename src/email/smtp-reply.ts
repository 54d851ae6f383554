import { EmailError, type Refusal } from './email-sender';

/** What the server replies to: the name of a command, and `MESSAGE` for the content after DATA. */
export type SmtpStep = 'GREETING' | 'EHLO' | 'STARTTLS' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'MESSAGE';

/** A server's reply: its code, and the texts of its lines. */
export interface SmtpReply {
  code: number;
  lines: string[];
}

/**
 * Enhanced status codes (RFC 3463) that are about the recipient: addresses (5.1, but not 5.1.7 and 5.1.8, which are about
 * the sender's), mailboxes (5.2), and domains to which there is no way (5.4.4).
 */
const recipientStatus = /^5\.(?:1\.(?!7$|8$)\d+|2\.\d+|4\.4)$/;

/** Replies to RCPT without an enhanced code that are about the recipient (RFC 5321, 4.2.3; RFC 7504). */
const recipientCodes = [550, 551, 552, 553, 556];

/** Some servers give these codes to senders that may not use them at all; only the text of the reply tells. */
const isAboutSender = /relay|authenti|not permitted|sender/i;

function refusalOf(step: SmtpStep, code: number, status: string | undefined, text: string): Refusal {
  if (code < 500) return 'for-now';
  if (step !== 'RCPT' && step !== 'MESSAGE') return 'for-good';
  if (status !== undefined) return recipientStatus.test(status) ? 'recipient' : 'for-good';
  return step === 'RCPT' && recipientCodes.includes(code) && !isAboutSender.test(text) ? 'recipient' : 'for-good';
}

/**
 * The error of a reply that is not the one that was expected. Its code is made of the step, the reply's code and its
 * enhanced code: `SMTP_RCPT_550_5.1.1`. The text is left out, because servers repeat addresses in it.
 */
export function toEmailError(step: SmtpStep, { code, lines }: SmtpReply): EmailError {
  const [text = ''] = lines;
  // The class of both codes is the same (RFC 2034, 4); anything else is no enhanced code.
  const status = new RegExp(`^${Math.floor(code / 100)}\\.\\d{1,3}\\.\\d{1,3}(?= |$)`).exec(text)?.[0];
  const name = ['SMTP', step, code, status].filter((part) => part !== undefined).join('_');
  return new EmailError(name, refusalOf(step, code, status, lines.join(' ')));
}
