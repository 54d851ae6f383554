import { createAccessTokens } from './auth/access-token';
import { authEvents, PasswordResetRequested } from './auth/events';
import { authConstraints, createPasswordResetRepository, createSessionRepository } from './auth/repository';
import { createResetTokens, keyedHash } from './auth/secret-token';
import { sendResetEmailOnPasswordResetRequested } from './auth/send-reset-email-on-password-reset-requested';
import { createAuthCommands } from './auth/service';
import { loadConfig } from './config';
import { createAnalyticsHandler } from './consumers/analytics';
import { type Consumer, createConsumer } from './consumers/consumer';
import { createDeadLetterConsumer } from './consumers/dead-letters';
import { dispatch, type Queues } from './consumers/dispatch';
import { createEmailHandler, type EmailReaction } from './consumers/emails';
import { createProjectionHandler } from './consumers/projections';
import { createRelay } from './consumers/relay';
import { createBus } from './cqrs/bus';
import { createD1UnitOfWork, type RepositoryContext } from './cqrs/d1-unit-of-work';
import { createDeliveries } from './cqrs/deliveries';
import { createDocumentStore } from './cqrs/document-store';
import { createEventCatalogue, type RecordedEvent, type Subscription } from './cqrs/event';
import { createProjector } from './cqrs/projector';
import { createReadModels } from './cqrs/read-models';
import { createEmailSender } from './email/create-email-sender';
import type { EmailSender } from './email/email-sender';
import { itemEvents } from './items/events';
import { createItemRepository, itemConstraints } from './items/repository';
import { createItemCommands } from './items/service';
import { itemViews } from './items/views';
import { orderEvents } from './orders/events';
import { createOrderRepository, orderConstraints } from './orders/repository';
import { createOrderCommands, releaseOrders } from './orders/service';
import { orderViews } from './orders/views';
import { type Clock, systemClock } from './platform/clock';
import { createLogger, type Logger } from './platform/logger';
import { UserRegistered, userEvents } from './users/events';
import { createFindRecipient } from './users/recipient';
import { createSettingsRepository, createUserRepository, userConstraints } from './users/repository';
import { sendWelcomeEmailOnUserRegistered } from './users/send-welcome-email-on-user-registered';
import { createUserCommands } from './users/service';
import { userViews } from './users/views';

// To add a domain, register its events, views, repositories, constraints, commands and e-mail reactions here.
export const eventCatalogue = createEventCatalogue([...userEvents, ...authEvents, ...itemEvents, ...orderEvents]);
const views = [...userViews, ...itemViews, ...orderViews];
const constraints = { ...userConstraints, ...authConstraints, ...itemConstraints, ...orderConstraints };

function createRepositories(context: RepositoryContext) {
  const orders = createOrderRepository(context);
  return {
    users: createUserRepository(context),
    settings: createSettingsRepository(context),
    sessions: createSessionRepository(context),
    passwordResets: createPasswordResetRepository(context),
    items: createItemRepository(context),
    orders,
    ownedByAccount: [releaseOrders(orders)],
  };
}

const projectedTypes = new Set(views.flatMap(({ triggers }) => triggers.flatMap(({ types }) => types)));
const emailTypes = new Set<string>([UserRegistered.type, PasswordResetRequested.type]);

/** Who is to hear of an event of this type. */
export function subscriptionsOf(type: string): Subscription[] {
  const wanted: Subscription[] = ['analytics'];
  if (projectedTypes.has(type)) wanted.push('projections');
  if (emailTypes.has(type)) wanted.push('emails');
  return wanted;
}

/** What tests put in the place of the outside world. */
export interface Overrides {
  clock?: Clock;
  emailSender?: EmailSender;
  logger?: Logger;
}

/**
 * Makes the services of one invocation from its bindings.
 * @throws ConfigError when a variable or secret is missing or weak.
 */
export function compose(env: Env, waitUntil: (promise: Promise<unknown>) => void, overrides: Overrides = {}) {
  const config = loadConfig(env);
  const { clock = systemClock, logger = createLogger() } = overrides;
  const database = env.DB;
  const documents = createDocumentStore(env.VIEWS, config.epoch);
  const deliveries = createDeliveries(database, clock);
  const projector = createProjector({ database, documents, views, epoch: config.epoch, clock });
  const resetTokens = createResetTokens(config.tokenSecrets);
  const queues: Queues = {
    projections: env.PROJECTIONS_QUEUE,
    emails: env.EMAILS_QUEUE,
    analytics: env.ANALYTICS_QUEUE,
  };

  async function onCommitted(events: readonly RecordedEvent[]): Promise<void> {
    const wanted = events.flatMap((event) =>
      subscriptionsOf(event.type).map((subscription) => ({ subscription, event })),
    );
    // Losing either loses nothing: the relay sends what is not handled, and the projections' queue repairs the views.
    waitUntil(dispatch(queues, wanted).catch((error) => logger.error('fast-path.failed', error)));
    await projector.projectAtOnce(events).catch((error) => logger.error('project-at-once.failed', error));
  }

  const unitOfWork = createD1UnitOfWork({
    database,
    clock,
    createRepositories,
    subscriptionsOf,
    constraints,
    onCommitted,
    wait: (ms) => scheduler.wait(ms),
  });
  const commands = createBus(
    {
      ...createUserCommands(unitOfWork),
      ...createAuthCommands(unitOfWork, resetTokens),
      ...createItemCommands(unitOfWork),
      ...createOrderCommands(unitOfWork),
    },
    (text) => keyedHash(config.tokenSecrets[0], text),
  );

  const findRecipient = createFindRecipient(database);
  const reactions = new Map<string, EmailReaction>([
    [UserRegistered.type, sendWelcomeEmailOnUserRegistered(findRecipient)],
    [
      PasswordResetRequested.type,
      sendResetEmailOnPasswordResetRequested({ findRecipient, resetTokens, resetUrl: config.passwordResetUrl }),
    ],
  ]);
  const sender = overrides.emailSender ?? createEmailSender(config.email, env.EMAIL);
  const handlers = {
    projections: createProjectionHandler(projector),
    emails: createEmailHandler({ deliveries, sender, reactions }),
    analytics: createAnalyticsHandler(deliveries, env.ANALYTICS),
  };
  function consumerOf(subscription: Subscription): Consumer {
    return createConsumer({
      subscription,
      catalogue: eventCatalogue,
      logger,
      handle: handlers[subscription],
      recordFailure: (position, error, retryInSeconds) =>
        deliveries.recordFailure(subscription, position, error, retryInSeconds),
    });
  }

  /** The consumers by the names of their queues. */
  const consumers: Readonly<Record<string, Consumer>> = {
    'frontdesk-projections': consumerOf('projections'),
    'frontdesk-emails': consumerOf('emails'),
    'frontdesk-analytics': consumerOf('analytics'),
    'frontdesk-dead-letters': createDeadLetterConsumer(deliveries, logger),
  };

  return {
    config,
    clock,
    logger,
    commands,
    consumers,
    database,
    accessTokens: createAccessTokens(config, clock),
    readModels: createReadModels({ documents, database, epoch: config.epoch, clock }),
    relay: createRelay({ database, deliveries, queues, projector, clock, logger }),
    waitUntil,
  };
}

export type Services = ReturnType<typeof compose>;
