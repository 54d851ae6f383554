import { createAnalyticsHandler, createDataPointWriter } from './consumers/analytics';
import { type Consumer, createConsumer } from './consumers/consumer';
import { createDeadLetterConsumer } from './consumers/dead-letters';
import { createEmailHandler } from './consumers/emails';
import { createProjectionHandler } from './consumers/projections';
import { queueNames } from './consumers/queues';
import { createNotifying, eventCatalogue } from './domains';
import { createEmailSender } from './email/create-email-sender';
import { limitSending } from './email/deadline';
import { createEmailLimiter } from './email/email-limiter';
import { createEmailChannel } from './notifications/email-channel';
import { createNotificationService } from './notifications/notification-service';
import { createFindOrderFacts } from './orders/notifications';
import type { SharedServices } from './shared-services';
import { createFindLink } from './users/find-link';
import { createFindAccount } from './users/notified-account';

/** Makes the consumers that all invocations of an isolate share, by the names of their queues. */
export function createConsumers(services: SharedServices): Readonly<Record<string, Consumer>> {
  const { background, clock, config, env, fingerprints, logger, outbox, projector, wait } = services;
  const reactions = createNotifying({
    findOrderFacts: createFindOrderFacts(background),
    resetTokens: services.resetTokens,
    resetUrl: config.passwordResetUrl,
    findLink: createFindLink(background),
    confirmationTokens: services.confirmationTokens,
    confirmationUrl: config.emailConfirmationUrl,
  });
  const sender = limitSending(services.emailSender ?? createEmailSender(config.email, env.EMAIL, clock), wait);
  const limiter = createEmailLimiter(background, fingerprints);
  const channel = createEmailChannel({
    sender,
    limiter,
    brand: config.brand,
    unsubscribeUrlFor: services.unsubscribeLinks.urlFor,
  });
  const notifications = createNotificationService(channel);
  const handlers = {
    projections: createProjectionHandler(projector, createDataPointWriter(env.ANALYTICS, logger)),
    emails: createEmailHandler({ outbox, reactions, findAccount: createFindAccount(background), notifications }),
    analytics: createAnalyticsHandler(outbox, env.ANALYTICS),
  };
  function consumerOf(subscription: keyof typeof handlers): Consumer {
    return createConsumer({
      subscription,
      catalogue: eventCatalogue,
      epoch: config.epoch,
      logger,
      handle: handlers[subscription],
      recordFailure: (event, failure, retryInSeconds) =>
        outbox.recordFailure(subscription, event, failure, retryInSeconds),
    });
  }
  return {
    [queueNames.projections]: consumerOf('projections'),
    [queueNames.emails]: consumerOf('emails'),
    [queueNames.analytics]: consumerOf('analytics'),
    [queueNames.deadLetters]: createDeadLetterConsumer(outbox, config.epoch, logger),
  };
}
