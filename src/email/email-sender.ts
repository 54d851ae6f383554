/** An e-mail to one person. */
export interface EmailMessage {
  to: { name?: string; email: string };
  subject: string;
  text: string;
  html: string;
  /** Unique for each e-mail; an e-mail that is sent again has the same id. */
  messageId: string;
  /** The address that ends such e-mails with one click (RFC 8058); absent for what is for security. */
  unsubscribeUrl?: string | undefined;
}

/** One attempt to send an e-mail; the sender and the deadline share it. */
export interface EmailAttempt {
  /** Aborted when the time is over. Then the sender closes its connection. */
  readonly signal: AbortSignal;
  /** Whether the provider may have accepted the e-mail by now: true, unless the sender knows better. */
  mayBeAccepted: boolean;
}

export interface EmailSender {
  /**
   * Sends an e-mail.
   * @throws EmailError when the provider does not accept the e-mail; after every other error it may have accepted it
   */
  send(message: EmailMessage, attempt?: EmailAttempt): Promise<void>;
}

/**
 * How an e-mail was refused: `for-now` (a later try may succeed), `for-good` (an operator has to act), or `recipient` (for
 * good too, because of the address: the rest of the system works, and nobody but its owner can correct it).
 */
export type Refusal = 'for-now' | 'for-good' | 'recipient';

/** The provider did not accept an e-mail. The error contains no address. */
export class EmailError extends Error {
  override readonly name = 'EmailError';

  constructor(
    readonly code: string,
    readonly refusal: Refusal,
    cause?: unknown,
  ) {
    super(`The provider did not accept the e-mail: ${code}.`, { cause });
  }
}

/** Nobody knows whether the provider accepted an e-mail, because its answer is missing. */
export class UnclearEmailError extends Error {
  override readonly name = 'UnclearEmailError';

  constructor(
    readonly code: string,
    cause?: unknown,
  ) {
    super(`The provider may have accepted the e-mail: ${code}.`, { cause });
  }
}
