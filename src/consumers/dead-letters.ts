import * as z from 'zod';
import { isOfAnotherEpoch } from '../cqrs/log/envelope';
import { subscriptions } from '../cqrs/log/event';
import type { Outbox } from '../cqrs/log/outbox';
import { describeError } from '../platform/failure';
import type { Logger } from '../platform/logger';
import { backoffSeconds, type Consumer } from './consumer';

const addressSchema = z.object({
  subscription: z.enum(subscriptions),
  position: z.int().positive(),
  id: z.string().min(1),
  epoch: z.string().optional(),
});

/**
 * Consumes the dead-letter queue. A message that another queue gave up makes a dead letter of its delivery only if the
 * work failed by its own fault. After an outage of the platform the delivery stays pending, and the relay sends it again.
 */
export function createDeadLetterConsumer(outbox: Outbox, epoch: string, logger: Logger): Consumer {
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
      if (isOfAnotherEpoch(address.data, epoch)) {
        logger.warn('message.obsolete', { subscription, position });
        message.ack();
        continue;
      }
      try {
        const isDead = await outbox.bury(subscription, address.data);
        if (isDead) logger.error('dead-letter.stored', undefined, { subscription, position });
        else logger.info('dead-letter.without-fault', { subscription, position });
        message.ack();
      } catch (error) {
        logger.warn('dead-letter.not-stored', { subscription, position, error: describeError(error) });
        message.retry({ delaySeconds: backoffSeconds(message.attempts) });
      }
    }
  };
}
