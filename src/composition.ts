import { createAccessTokens } from './auth/access-token';
import { createResetTokens, keyedHash } from './auth/secret-token';
import { loadConfig } from './config';
import { createAnalyticsHandler } from './consumers/analytics';
import { type Consumer, createConsumer } from './consumers/consumer';
import { createDeadLetterConsumer } from './consumers/dead-letters';
import { createDispatch } from './consumers/dispatch';
import { createEmailHandler } from './consumers/emails';
import { createProjectionHandler } from './consumers/projections';
import { createRebuildConsumer } from './consumers/rebuilds';
import { createRelay } from './consumers/relay';
import { createBus } from './cqrs/bus';
import { createD1UnitOfWork } from './cqrs/d1-unit-of-work';
import { createDeliveries } from './cqrs/deliveries';
import { createDocumentStore } from './cqrs/document-store';
import type { Envelope } from './cqrs/envelope';
import type { RecordedEvent } from './cqrs/event';
import { createProjector } from './cqrs/projector';
import { createReadModels } from './cqrs/read-models';
import { createRebuilder, type Step } from './cqrs/rebuild';
import { createReconciler } from './cqrs/reconciler';
import {
  constraints,
  createCommands,
  createEmailReactions,
  createRepositories,
  eventCatalogue,
  ownSubscriptionsOf,
  views,
} from './domains';
import { createEmailSender } from './email/create-email-sender';
import type { EmailSender } from './email/email-sender';
import { type Clock, systemClock } from './platform/clock';
import { createLogger, type Logger } from './platform/logger';
import { createFindRecipient } from './users/recipient';

/** What tests put in the place of the outside world. */
export interface Overrides {
  clock?: Clock;
  emailSender?: EmailSender;
  logger?: Logger;
  /** Waits so many milliseconds. */
  wait?(ms: number): Promise<unknown>;
}

/**
 * Makes the services of one invocation from its bindings.
 * @throws ConfigError when a variable or secret is missing or weak.
 */
export function compose(env: Env, waitUntil: (promise: Promise<unknown>) => void, overrides: Overrides = {}) {
  const config = loadConfig(env);
  const { clock = systemClock, wait = (ms: number) => scheduler.wait(ms) } = overrides;
  const { logger = createLogger({}, console.log, config.logFormat) } = overrides;
  const database = env.DB;
  const documents = createDocumentStore(env.VIEWS, config.epoch);
  const deliveries = createDeliveries(database, clock, wait);
  const projector = createProjector({ database, documents, views, epoch: config.epoch, clock });
  const resetTokens = createResetTokens(config.tokenSecrets);
  const rebuilder = createRebuilder({
    database,
    documents,
    projector,
    views,
    catalogue: eventCatalogue,
    clock,
  });
  // Bound only where somebody else wants to read our events.
  const { EVENTS_QUEUE: events } = env as Env & { EVENTS_QUEUE?: Queue<Envelope> };
  const queues = {
    projections: env.PROJECTIONS_QUEUE,
    emails: env.EMAILS_QUEUE,
    analytics: env.ANALYTICS_QUEUE,
    events,
  };
  const dispatch = createDispatch(queues, deliveries.complete);
  const subscriptionsOf = (type: string) => [...ownSubscriptionsOf(type), ...(events ? ['events' as const] : [])];

  async function onCommitted(committed: readonly RecordedEvent[]): Promise<void> {
    const wanted = committed.flatMap((event) =>
      subscriptionsOf(event.type).map((subscription) => ({ subscription, event })),
    );
    // Losing either loses nothing: the relay sends what is not handled, and the projections' queue repairs the views.
    waitUntil(dispatch(wanted).catch((error) => logger.error('fast-path.failed', error)));
    await projector.projectAtOnce(committed).catch((error) => logger.error('project-at-once.failed', error));
  }

  const unitOfWork = createD1UnitOfWork({
    database,
    clock,
    createRepositories,
    subscriptionsOf,
    constraints,
    onCommitted,
    wait,
  });
  const commands = createBus(createCommands(unitOfWork, resetTokens), (text) =>
    keyedHash(config.tokenSecrets[0], text),
  );

  const reactions = createEmailReactions({
    findRecipient: createFindRecipient(database),
    resetTokens,
    resetUrl: config.passwordResetUrl,
  });
  const sender = overrides.emailSender ?? createEmailSender(config.email, env.EMAIL);
  const handlers = {
    projections: createProjectionHandler(projector),
    emails: createEmailHandler({ deliveries, sender, reactions }),
    analytics: createAnalyticsHandler(deliveries, env.ANALYTICS),
  };
  function consumerOf(subscription: keyof typeof handlers): Consumer {
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
    'frontdesk-rebuilds': createRebuildConsumer(rebuilder, env.REBUILDS_QUEUE, logger),
    'frontdesk-dead-letters': createDeadLetterConsumer(deliveries, logger),
  };

  return {
    config,
    clock,
    logger,
    commands,
    consumers,
    database,
    documents,
    eventCatalogue,
    views,
    accessTokens: createAccessTokens(config, clock),
    projector,
    readModels: createReadModels({ documents, database, epoch: config.epoch, clock }),
    relay: createRelay({ database, deliveries, dispatch, projector, clock, logger }),
    reconcile: createReconciler({ database, documents, views, projector, clock }),
    rebuilds: {
      send: async (step: Step) => void (await env.REBUILDS_QUEUE.send(step)),
      findSilent: rebuilder.findSilent,
    },
    limiters: { address: env.ADDRESS_LIMIT, account: env.ACCOUNT_LIMIT },
    waitUntil,
  };
}

export type Services = ReturnType<typeof compose>;
