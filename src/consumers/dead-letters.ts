import { z } from 'zod';
import { subscriptions } from '../cqrs/log/event';
import type { Outbox } from '../cqrs/log/outbox';
import { describeError } from '../platform/failure';
import type { Logger } from '../platform/logger';
import { backoffSeconds, type Consumer } from './consumer';

const addressSchema = z.object({ subscription: z.enum(subscriptions), position: z.int().positive() });

/** Consumes the dead-letter queue: the delivery of a message that another queue gave up becomes a dead letter. */
export function createDeadLetterConsumer(outbox: Outbox, logger: Logger): Consumer {
  return async (batch) => {
    for (const message of batch.messages) {
      const address = addressSchema.safeParse(message.body);
      if (!address.success) {
        // The message names no delivery. If a delivery exists, the relay sends it again.
        logger.error('dead-letter.unreadable', undefined, { messageId: message.id });
        message.ack();
        continue;
      }
      const { subscription, position } = address.data;
      try {
        await outbox.markDead(subscription, [position], 'the queue gave up after its last try');
        logger.error('dead-letter.stored', undefined, { subscription, position });
        message.ack();
      } catch (error) {
        logger.warn('dead-letter.not-stored', { subscription, position, error: describeError(error) });
        message.retry({ delaySeconds: backoffSeconds(message.attempts) });
      }
    }
  };
}
