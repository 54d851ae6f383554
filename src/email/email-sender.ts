/** An e-mail to one person. */
export interface EmailMessage {
  to: { name?: string; email: string };
  subject: string;
  text: string;
  html: string;
  /** Unique for each e-mail; an e-mail that is sent again has the same id. */
  messageId: string;
}

export interface EmailSender {
  /**
   * Sends an e-mail. When `signal` is aborted, the sender closes its connection.
   * @throws EmailError when the provider does not accept the e-mail; after every other error it may have accepted it
   */
  send(message: EmailMessage, signal?: AbortSignal): Promise<void>;
}

/** The provider did not accept an e-mail. A permanent failure is not tried again. The error contains no address. */
export class EmailError extends Error {
  override readonly name = 'EmailError';

  constructor(
    readonly code: string,
    readonly permanent: boolean,
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
