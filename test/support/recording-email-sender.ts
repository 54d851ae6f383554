import type { EmailMessage, EmailSender } from '../../src/email/email-sender';

/** An e-mail sender that keeps its messages. After `failWith` the next call of `send` fails with that error. */
export function createRecordingEmailSender(): EmailSender & { sent: EmailMessage[]; failWith(error: Error): void } {
  const failures: Error[] = [];
  const sent: EmailMessage[] = [];
  return {
    sent,
    failWith: (error) => void failures.push(error),
    async send(message) {
      const failure = failures.shift();
      if (failure) throw failure;
      sent.push(message);
    },
  };
}
