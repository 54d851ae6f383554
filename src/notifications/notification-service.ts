import { isWanted, type Notification } from './notification';
import type { NotifiedAccount } from './notified-account';

/** The event that a notification follows. */
export interface Occasion {
  eventId: string;
  /** Milliseconds. */
  occurredAt: number;
}

/** Sends what was prepared. Its caller makes sure that this happens once. */
export type Effect = () => Promise<void>;

/** A way to reach accounts. It has a subscription of its own, and so its own queue, deliveries and retries. */
export interface Channel {
  /** Makes the message of a notification; undefined if a limit of the channel holds it back. */
  prepare(account: NotifiedAccount, notification: Notification, occasion: Occasion): Promise<Effect | undefined>;
}

export interface NotificationService {
  /**
   * Tells an account about something, in its language and its time zone, if it wants to know. What this returns sends the
   * message, and its caller carries it out under a claim on the delivery; undefined when nothing is to be sent.
   */
  notify(account: NotifiedAccount, notification: Notification, occasion: Occasion): Promise<Effect | undefined>;
}

export function createNotificationService(channel: Channel): NotificationService {
  return {
    async notify(account, notification, occasion) {
      return isWanted(account, notification) ? channel.prepare(account, notification, occasion) : undefined;
    },
  };
}
