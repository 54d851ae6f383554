/** A dead letter, as far as it says what to do about it. */
export interface Failure {
  subscription: 'projections' | 'emails' | 'events';
  /** The class of the error with its code. */
  error: string | null;
  fault: 'system' | 'recipient';
}

/** The codes of e-mails that were not sent, each with its remedy. The first that fits counts; docs/operations.md has them all. */
const codes = [
  [/^SMTP_(HOST_NOT|CONNECT_|TLS_|AUTH_UNS|NOT_SPOKEN|CONNECTION_)|^TIMED_OUT/, 'unreachable'],
  [/^SMTP_[A-Z]+_4/, 'later'],
  [/^SMTP_AUTH_5/, 'signIn'],
  [/^SMTP_(MAIL_5|LINE_BREAK)|^INVALID_ADDRESS|^E_SENDER_/, 'sender'],
  [/^SMTP_/, 'policy'],
  [/^E_RECIPIENT_NOT_ALLOWED/, 'restricted'],
  [/^E_(VALIDATION|FIELD|CONTENT|HEADER)/, 'message'],
  [/^E_/, 'later'],
] as const;

const classes = {
  DrizzleQueryError: 'value',
  MessageTooLarge: 'tooLarge',
  ZodError: 'shape',
  UnreadableEventError: 'newer',
} as const;

/** Which of the explanations fits a dead letter. */
export type Remedy =
  | (typeof codes)[number][1]
  | (typeof classes)[keyof typeof classes]
  | 'recipient'
  | 'unclear'
  | 'document'
  | 'defect';

/** Finds what a dead letter means and what to do about it. */
export function remedyOf({ subscription, error, fault }: Failure): Remedy {
  if (fault === 'recipient') return 'recipient';
  const [name = '', code = ''] = (error ?? '').split(': ');
  if (name === 'UnclearEmailError') return 'unclear';
  if (name === 'EmailError') return codes.find(([pattern]) => pattern.test(code))?.[1] ?? 'message';
  if (name === 'Error' && subscription === 'projections') return 'document';
  return classes[name as keyof typeof classes] ?? 'defect';
}

/** Whether a replay may do harm: somebody gets an e-mail twice, or a server is asked again that has refused for good. */
export const isReplayRisky = (remedy: Remedy): remedy is 'recipient' | 'unclear' =>
  remedy === 'recipient' || remedy === 'unclear';
