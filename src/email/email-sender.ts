/** An e-mail to one person. */
export interface EmailMessage {
  to: { name?: string; email: string };
  subject: string;
  text: string;
  html: string;
  /** Unique and stable: a message that is sent again carries the same one. */
  messageId: string;
}

/** Delivers e-mail. @throws EmailError */
export interface EmailSender {
  send(message: EmailMessage): Promise<void>;
}

/** A failed delivery. `permanent` ones are not tried again. Names the provider's code, never an address. */
export class EmailError extends Error {
  override readonly name = 'EmailError';

  constructor(
    readonly code: string,
    readonly permanent: boolean,
    cause?: unknown,
  ) {
    super(`the e-mail was not accepted: ${code}`, { cause });
  }
}
