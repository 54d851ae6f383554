import type { EmailLimiter } from '../email/email-limiter';
import type { EmailSender } from '../email/email-sender';
import { composeEmail } from './email';
import { isSecurity, limitOf } from './notification';
import type { Channel } from './notification-service';

/** Tells accounts by e-mail. */
export function createEmailChannel(options: {
  sender: EmailSender;
  limiter: EmailLimiter;
  /** The name of the shop. */
  brand: string;
  /** The link with which an account ends e-mails that are not for security. */
  unsubscribeUrlFor(userId: string, locale: string): string;
}): Channel {
  const { brand, limiter, sender, unsubscribeUrlFor } = options;
  return {
    async prepare(account, notification, { eventId, occurredAt }) {
      const { to: address = account.email, userId } = notification;
      const limit = limitOf(notification, account);
      if (limit && !(await limiter.allows(limit, { address, messageId: eventId, occurredAt }))) return undefined;
      const unsubscribeUrl = isSecurity(notification) ? undefined : unsubscribeUrlFor(userId, account.locale);
      const content = composeEmail(notification, { account, brand, at: occurredAt, unsubscribeUrl });
      const to = { email: address, ...(account.name !== undefined && { name: account.name }) };
      return () => sender.send({ to, messageId: eventId, unsubscribeUrl, ...content });
    },
  };
}
