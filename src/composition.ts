import type { CallerContext } from './access/access-rules';
import { createAccessTokens } from './access/access-token';
import { createPasswords, type Hashing } from './access/passwords';
import { createReader, type ReadRequest } from './access/reader';
import { createIsKnownNetwork } from './auth/known-networks';
import { createResetTokens, keyedHashes } from './auth/secret-token';
import { loadConfig } from './config';
import { createAnalyticsHandler } from './consumers/analytics';
import { type Consumer, createConsumer } from './consumers/consumer';
import { createDeadLetterConsumer } from './consumers/dead-letters';
import { type AddressedEvent, createDispatch } from './consumers/dispatch';
import { createEmailHandler } from './consumers/emails';
import { createProjectionHandler } from './consumers/projections';
import { baseNameOf, queueNames } from './consumers/queues';
import { createRebuildConsumer } from './consumers/rebuilds';
import { createRelay } from './consumers/relay';
import { createDueDeliveries } from './cqrs/log/due-deliveries';
import type { Envelope } from './cqrs/log/envelope';
import type { RecordedEvent } from './cqrs/log/event';
import { createOutbox } from './cqrs/log/outbox';
import { createDocumentStore } from './cqrs/reading/document-store';
import { createInlineProjection } from './cqrs/reading/inline-projection';
import { createRemoveObsolete } from './cqrs/reading/obsolete-documents';
import { createProjector } from './cqrs/reading/projector';
import { createReadModels } from './cqrs/reading/read-models';
import { createRebuilder, type RebuildStep } from './cqrs/reading/rebuild';
import { createReconciler } from './cqrs/reading/reconciler';
import { createWatermarkPublisher } from './cqrs/reading/watermark-publisher';
import { createDefineCommand } from './cqrs/writing/command';
import { createD1UnitOfWork } from './cqrs/writing/d1-unit-of-work';
import {
  constraints,
  createCommands,
  createEmailReactions,
  createQueries,
  createRepositories,
  eventCatalogue,
  followUps,
  ownSubscriptionsOf,
  silentRows,
  views,
} from './domains';
import { createEmailSender } from './email/create-email-sender';
import { limitSending } from './email/deadline';
import { createEmailLimiter } from './email/email-limiter';
import type { EmailSender } from './email/email-sender';
import { isSecret } from './http/authentication';
import { createConsistencyTokens } from './http/consistency-tokens';
import type { HttpServices } from './http/context';
import { createInvocationFigures } from './http/request-figures';
import { createBackground } from './platform/background';
import { type Clock, systemClock, type Wait } from './platform/clock';
import { withDeadlines } from './platform/d1';
import { describeError } from './platform/failure';
import { newId } from './platform/ids';
import { createIsolateFigures, type IsolateFigures } from './platform/isolate-figures';
import { deadlines, limits } from './platform/limits';
import { createLogger, type Logger } from './platform/logger';
import { createTurns } from './platform/turns';
import { createEraser, type ErasureStep } from './users/eraser';
import { createFindRecipient } from './users/recipient';
import { accessView } from './users/views';

/** The parts of the outside world that tests replace. */
export interface Overrides {
  clock?: Clock;
  emailSender?: EmailSender;
  logger?: Logger;
  wait?: Wait;
  hashing?: Hashing;
  figures?: IsolateFigures;
}

/** What the requests of this isolate share: they hash one password at a time, and add to the same figures. */
const isolate = {
  hashing: { turns: createTurns(() => limits.waitingHashes) } satisfies Hashing,
  figures: createIsolateFigures(),
};

/**
 * Makes the services of one invocation from its bindings.
 * @throws ConfigError when a variable or secret is missing or weak
 */
export function compose(env: Env, waitUntil: (promise: Promise<unknown>) => void, overrides: Overrides = {}) {
  const config = loadConfig(env);
  const { clock = systemClock, wait = (ms, options) => scheduler.wait(ms, options) } = overrides;
  const { logger = createLogger({}, console.log, config.logFormat) } = overrides;
  const { hashing, figures: isolateFigures } = { ...isolate, ...overrides };
  const figures = createInvocationFigures({ isolate: isolateFigures, dataset: env.REQUESTS, logger });
  /** D1 with the deadlines of requests, and with those of the background: consumers, the schedule, and work after a response. */
  const database = withDeadlines(env.DB, wait, () => deadlines.requestCallMs);
  const background = withDeadlines(env.DB, wait, () => deadlines.backgroundCallMs);
  const documents = createDocumentStore(env.VIEWS, config.epoch);
  const outbox = createOutbox(background, clock, wait);
  const createProjectorOn = (d1: D1Database) =>
    createProjector({ database: d1, documents, views, epoch: config.epoch, clock });
  const projector = createProjectorOn(background);
  const projectInline = createInlineProjection({ projector: createProjectorOn(database), wait, waitUntil, logger });
  const readModels = createReadModels({ documents, database, epoch: config.epoch, clock, wait });
  const watermark = createWatermarkPublisher({
    database: background,
    store: documents,
    epoch: config.epoch,
    clock,
    wait,
  });
  const rebuilder = createRebuilder({ database: background, projector, views, catalogue: eventCatalogue, clock });
  const accessTokens = createAccessTokens(config, clock);
  const resetTokens = createResetTokens(config.tokenSecrets);
  const { passwords, permitHashing } = createPasswords(hashing, { clock, wait }, () => figures.count('hash-refused'));
  const networkHashes = (network: string) => keyedHashes(config.tokenSecrets, `network:${network}`);

  // This binding exists only in an installation whose events another team reads.
  const { EVENTS_QUEUE: events }: { EVENTS_QUEUE?: Queue<Envelope> } = env;
  const queues = {
    projections: env.PROJECTIONS_QUEUE,
    emails: env.EMAILS_QUEUE,
    analytics: env.ANALYTICS_QUEUE,
    events,
  };
  const origin = { epoch: config.epoch, source: config.issuer, publicUrl: config.publicUrl };
  const dispatch = createDispatch({ queues, origin, outbox, logger });
  const due = createDueDeliveries(background, clock);
  const relay = createRelay({ database: background, due, dispatch, projector, clock, logger });
  const sendRebuildStep = async (step: RebuildStep) => void (await env.REBUILDS_QUEUE.send(step));
  const sendErasureStep = async (step: ErasureStep) => void (await env.REBUILDS_QUEUE.send(step));
  const subscriptionsOf = (type: string) => [...ownSubscriptionsOf(type), ...(events ? ['events' as const] : [])];

  /** Sends the deliveries of a commit. The relay sends again what a queue does not take. */
  async function sendFirst(deliveries: readonly AddressedEvent[]): Promise<void> {
    for (const { subscription, events, error } of await dispatch(deliveries)) {
      logger.error('first-send.failed', error, { subscription, deliveries: events.length });
    }
  }

  /** Starts the work that follows a commit, in the background. If the start fails, the schedule does the work later. */
  function startFollowUps(committed: readonly RecordedEvent[]): void {
    const deliveries = committed.flatMap((event) =>
      subscriptionsOf(event.type).map((subscription) => ({ subscription, event })),
    );
    waitUntil(sendFirst(deliveries));
    const services = { relay, sendRebuildStep, findErasure: eraser.findFirst, sendErasureStep };
    for (const event of committed) {
      const started = followUps[event.type]?.(services, event);
      if (started) waitUntil(started.catch((error) => logger.error('follow-up.failed', error, { type: event.type })));
    }
  }

  const unitOfWork = createD1UnitOfWork({
    database,
    clock,
    catalogue: eventCatalogue,
    createRepositories,
    subscriptionsOf,
    constraints,
    wait,
    count: figures.count,
    async onCommitted(committed) {
      startFollowUps(committed);
      await projectInline(committed);
    },
  });
  const fingerprints = (text: string) => keyedHashes(config.tokenSecrets, text);

  /** Every command, bound to a request; the context is made when a command is sent. */
  const bindCommands = (contextOf: () => CallerContext) =>
    createCommands(
      createDefineCommand(unitOfWork, fingerprints, contextOf, wait, () => figures.count('command-repeated')),
      {
        accessTokens,
        resetTokens,
        passwords,
        hashNetwork: (network) => networkHashes(network)[0],
        sellers: config.sellers,
        firstOrderNumber: config.firstOrderNumber,
      },
    );
  const eraser = createEraser({
    database: background,
    clock,
    silentRows,
    async continueErasure({ userId, step }) {
      // The audit trail finds the events of a step by this id.
      const requestId = `erasure-${userId}-${step}`;
      const context = { commandId: newId(), requestId, issuedAt: clock.now(), readFrom: 'first-primary' };
      return (await bindCommands(() => context).ContinueErasure({ userId, step })).result;
    },
  });

  const reactions = createEmailReactions({
    findRecipient: createFindRecipient(background),
    resetTokens,
    resetUrl: config.passwordResetUrl,
    brand: config.brand,
  });
  const sender = limitSending(overrides.emailSender ?? createEmailSender(config.email, env.EMAIL, clock), wait);
  const handlers = {
    projections: createProjectionHandler(projector),
    emails: createEmailHandler({ outbox, sender, limiter: createEmailLimiter(background, fingerprints), reactions }),
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
  const project = consumerOf('projections');
  /** Publishes which deliveries are finished. If this fails, the schedule publishes it. */
  async function publishWatermarkNews(): Promise<void> {
    await watermark
      .publishNews()
      .catch((error) => logger.warn('watermark.not-published', { error: describeError(error) }));
  }
  const consumers: Readonly<Record<string, Consumer>> = {
    async [queueNames.projections](batch) {
      await project(batch);
      waitUntil(publishWatermarkNews());
    },
    [queueNames.emails]: consumerOf('emails'),
    [queueNames.analytics]: consumerOf('analytics'),
    [queueNames.rebuilds]: createRebuildConsumer(rebuilder, eraser, env.REBUILDS_QUEUE, logger),
    [queueNames.deadLetters]: createDeadLetterConsumer(outbox, config.epoch, logger),
  };

  const http: HttpServices = {
    clock,
    accessTokens,
    consistencyTokens: createConsistencyTokens(config.tokenSecrets),
    epoch: config.epoch,
    corsOrigins: config.corsOrigins,
    brand: config.brand,
    publicUrl: config.publicUrl,
    keyedHashes: fingerprints,
    inBackground: createBackground({ clock, logger, wait, waitUntil }),
    limiters: {
      network: env.NETWORK_LIMIT,
      registration: env.REGISTRATION_LIMIT,
      'sign-in': env.SIGN_IN_LIMIT,
      reset: env.RESET_LIMIT,
      'password-check': env.PASSWORD_CHECK_LIMIT,
      account: env.ACCOUNT_LIMIT,
    },
    isKnownNetwork: createIsKnownNetwork({ database, clock, hashesOf: networkHashes }),
    permitHashing,
    isMetricsToken: (text) => isSecret(config.metricsToken, text),
    recordRequest: figures.recordRequest,
  };

  return {
    config,
    clock,
    logger,
    database: background,
    documents,
    http,
    projector,
    relay,
    readModels,
    publishWatermark: watermark.publish,
    rebuilds: { send: sendRebuildStep, findStalled: rebuilder.findStalled },
    erasures: { send: sendErasureStep, findStalled: eraser.findStalled },
    removeObsoleteDocuments: createRemoveObsolete({ database: background, views, projector, clock }),
    reconcileNextSlice: createReconciler({
      database: background,
      documents,
      views,
      catalogue: eventCatalogue,
      projector,
      clock,
      logger,
    }),

    bindCommands,

    /** Every query, bound to a request. */
    bindQueries: (request: ReadRequest) =>
      createQueries(createReader({ readModels, database, accessView }, request), {
        clock,
        database: withDeadlines(env.DB, wait, () => deadlines.readinessMs),
        documents,
        wait,
        isolateMetrics: () => isolateFigures.read({ hashesWaiting: hashing.turns.waiting(clock.now()) }),
      }),

    /**
     * Handles a batch of a queue.
     * @throws Error for a queue without a consumer, so that its messages are not acknowledged unread
     */
    async consume(batch: MessageBatch): Promise<void> {
      const consumer = consumers[baseNameOf(batch.queue)];
      if (!consumer) throw new Error(`The queue ${batch.queue} has no consumer: add it to composition.ts.`);
      await consumer(batch);
    },
  };
}

export type Services = ReturnType<typeof compose>;
