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

/** Replies to RCPT without an enhanced code that can be about the recipient (RFC 5321, 4.2.3; RFC 7504). */
const recipientCodes = [550, 551, 552, 553, 556];

const receiver = '(?:user|mailbox|recipient|addressee|address|account)\\b';

/** Texts that say that a user, a mailbox or an address does not exist, or takes nothing any more. */
const isAboutReceiver = new RegExp(
  [
    `\\bno such (?:local |e-?mail )?${receiver}`,
    `\\bno ${receiver}(?: here)? by that name`,
    `\\b(?:unknown|invalid|non-?existent|inactive|disabled|unrouteable) (?:local |e-?mail )?${receiver}`,
    // A few words may be between, as in "the account that you tried to reach does not exist", but no other clause.
    `\\b${receiver}(?:'s)?(?: [\\w']+){0,6}? (?:does(?: not|n't) exist|not (?:found|known)|no longer exists|unknown)\\b`,
    `\\b${receiver}(?:'s)?(?: [\\w']+){0,6}? (?:invalid|inactive|disabled|suspended|closed|full|over (?:its )?quota)\\b`,
  ].join('|'),
  'i',
);

/** Words by which a text is about us, the client: our address, host, account or reputation. */
const isAboutClient = new RegExp(
  [
    '\\bsend(?:er|ing)\\b|\\bfrom\\b|\\bauthenticat|\\boutgoing\\b|\\btoo many\\b|\\b(?:daily|hourly)\\b',
    "\\byour (?:[\\w'-]+ )?(?:user|mailbox|address|account)\\b",
    '\\bIP\\b|\\bclient\\b|\\b[EH][EH]LO\\b|\\b(?:DNS|SPF|DKIM|DMARC)\\b|\\breverse\\b',
    'block|\\bblack|\\bdenied\\b|\\bpolic|reputation|\\bspam',
    // A table of Postfix is called so: "User unknown in relay recipient table".
    '\\brelay(?! recipient table)',
  ].join('|'),
  'i',
);

/**
 * Whether a text without an enhanced code is about the recipient. Servers also use the codes of unknown mailboxes against a
 * client that they block. To take such a block for a wrong address would hide an outage, so only a clear text counts.
 */
function isTextAboutRecipient(lines: readonly string[]): boolean {
  // Addresses are left out, because people choose their words.
  const text = lines
    .join(' ')
    .replace(/<[^>]*>|\S*@\S*/g, ' ')
    .replace(/\s+/g, ' ');
  return isAboutReceiver.test(text) && !isAboutClient.test(text);
}

function refusalOf(step: SmtpStep, code: number, status: string | undefined, lines: readonly string[]): Refusal {
  if (code < 500) return 'for-now';
  if (step !== 'RCPT' && step !== 'MESSAGE') return 'for-good';
  if (status !== undefined) return recipientStatus.test(status) ? 'recipient' : 'for-good';
  return step === 'RCPT' && recipientCodes.includes(code) && isTextAboutRecipient(lines) ? 'recipient' : 'for-good';
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
  return new EmailError(name, refusalOf(step, code, status, lines));
}
