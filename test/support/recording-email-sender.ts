import type { EmailMessage, EmailSender } from '../../src/email/email-sender';

/**
 * An e-mail sender that keeps its messages. After `failWith` the next call of `send` fails with that error; after
 * `recover` no call fails any more.
 */
export function createRecordingEmailSender(): EmailSender & {
  sent: EmailMessage[];
  failWith(error: Error): void;
  recover(): void;
} {
  const failures: Error[] = [];
  const sent: EmailMessage[] = [];
  return {
    sent,
    failWith: (error) => void failures.push(error),
    recover: () => void failures.splice(0),
    async send(message) {
      const failure = failures.shift();
      if (failure) throw failure;
      sent.push(message);
    },
  };
}
