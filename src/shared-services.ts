import { createAccessTokens } from './access/access-token';
import { createKeyAccess } from './access/key-access';
import { createKeyTexts } from './access/key-text';
import { createLinkTokens } from './access/link-tokens';
import type { Hashing } from './access/passwords';
import { createNoteKeyUse } from './api-keys/key-uses';
import { keyView } from './api-keys/views';
import { createIsKnownNetwork } from './auth/known-networks';
import { createResetTokens } from './auth/reset-tokens';
import { createKeyedHashes } from './auth/secret-token';
import { loadConfig } from './config';
import { createDispatch } from './consumers/dispatch';
import { createRelay } from './consumers/relay';
import { createDueDeliveries } from './cqrs/log/due-deliveries';
import type { Envelope } from './cqrs/log/envelope';
import type { NewEvent } from './cqrs/log/event';
import { createOutbox } from './cqrs/log/outbox';
import { createDocumentStore } from './cqrs/reading/document-store';
import { createRemoveObsolete } from './cqrs/reading/obsolete-documents';
import { createProjector } from './cqrs/reading/projector';
import { createReadModels } from './cqrs/reading/read-models';
import { createRebuilder, type RebuildStep } from './cqrs/reading/rebuild';
import { createReconciler } from './cqrs/reading/reconciler';
import { createWatermarkPublisher } from './cqrs/reading/watermark-publisher';
import { eventCatalogue, onlyIfWantedBy, ownSubscriptionsOf, rowsWithoutEvents, views } from './domains';
import type { EmailSender } from './email/email-sender';
import { isSecret } from './http/authentication';
import { createConsistencyTokens } from './http/consistency-tokens';
import type { SharedHttpServices } from './http/context';
import { createUnsubscribeLinks } from './notifications/unsubscribe-links';
import { type Clock, systemClock, systemWait, type Wait } from './platform/clock';
import { withDeadlines } from './platform/d1';
import { createIsolateFigures, type IsolateFigures } from './platform/isolate-figures';
import { deadlines, limits } from './platform/limits';
import { createLogger, type Logger } from './platform/logger';
import { createTurns } from './platform/turns';
import { createEraser, type ErasureStep } from './users/eraser';
import { wantsEmails } from './users/notified-account';
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

/** The outside world: the bindings, the configuration, the time, the log, and D1 with the deadlines of each kind of work. */
function connect(env: Env, overrides: Overrides) {
  const config = loadConfig(env);
  const { clock = systemClock, wait = systemWait } = overrides;
  const { logger = createLogger({}, console.log, config.logFormat) } = overrides;
  return {
    env,
    config,
    clock,
    wait,
    logger,
    ...isolate,
    ...overrides,
    database: withDeadlines(env.DB, wait, () => deadlines.requestCallMs),
    /** For consumers, the schedule, and work after a response. */
    background: withDeadlines(env.DB, wait, () => deadlines.backgroundCallMs),
    readiness: withDeadlines(env.DB, wait, () => deadlines.readinessMs),
  };
}

type World = ReturnType<typeof connect>;

/** What signs, and what hashes with the secrets of the configuration. */
function createSecrets({ config, clock }: World) {
  const fingerprints = createKeyedHashes(config.tokenSecrets);
  return {
    accessTokens: createAccessTokens(config, clock),
    consistencyTokens: createConsistencyTokens(config.tokenSecrets),
    resetTokens: createResetTokens(config.tokenSecrets),
    confirmationTokens: createLinkTokens('email-confirmation', config.tokenSecrets),
    keyTexts: createKeyTexts(config.tokenSecrets, fingerprints),
    fingerprints,
    unsubscribeLinks: createUnsubscribeLinks(fingerprints, config.publicUrl),
    networkHashes: (network: string) => fingerprints(`network:${network}`),
  };
}

/** The read models: reads of documents, and what writes and repairs them. */
function createReading({ env, config, clock, wait, logger, background, database }: World) {
  const { epoch } = config;
  const documents = createDocumentStore(env.VIEWS, epoch);
  const createProjectorOn = (d1: D1Database) =>
    createProjector({ database: d1, documents, views, epoch, clock, lagTargetMs: config.lagTargetSeconds * 1000 });
  const projector = createProjectorOn(background);
  const catalogue = eventCatalogue;
  return {
    documents,
    projector,
    /** Projects before a response. */
    inlineProjector: createProjectorOn(database),
    readModels: createReadModels({ documents, database, epoch, clock, wait }),
    watermark: createWatermarkPublisher({ database: background, store: documents, epoch, clock, wait }),
    rebuilder: createRebuilder({ database: background, projector, views, catalogue, clock }),
    removeObsoleteDocuments: createRemoveObsolete({ database: background, views, projector, clock }),
    reconcile: createReconciler({
      database: background,
      documents,
      epoch,
      views,
      catalogue,
      projector,
      clock,
      logger,
    }),
  };
}

/** The queues, and what sends the events of the log to them. */
function createSending({ env, config, clock, wait, logger, background }: World) {
  // This binding exists only in an installation whose events another team reads.
  const { EVENTS_QUEUE: events }: { EVENTS_QUEUE?: Queue<Envelope> } = env;
  const queues = {
    projections: env.PROJECTIONS_QUEUE,
    emails: env.EMAILS_QUEUE,
    events,
  };
  const origin = { epoch: config.epoch, source: config.issuer, publicUrl: config.publicUrl };
  const outbox = createOutbox(background, clock, wait);
  const due = createDueDeliveries(background, clock);
  return {
    origin,
    /** All queues that messages are sent to, by their names. */
    queues: {
      projections: queues.projections,
      emails: queues.emails,
      ...(events && { events }),
      rebuilds: env.REBUILDS_QUEUE,
      'dead-letters': env.DEAD_LETTERS_QUEUE,
    },
    outbox,
    due,
    dispatch: createDispatch({ queues, origin, outbox, logger }),
    sendErasureStep: async (step: ErasureStep) => void (await env.REBUILDS_QUEUE.send(step)),
    sendRebuildStep: async (step: RebuildStep) => void (await env.REBUILDS_QUEUE.send(step)),
    receivers: {
      subscriptionsOf: (event: NewEvent) => [...ownSubscriptionsOf(event), ...(events ? ['events' as const] : [])],
      onlyIfWantedBy,
      wantsEmails,
    },
  };
}

/** What every request needs of the HTTP folder. */
function createHttpServices(
  world: World,
  secrets: ReturnType<typeof createSecrets>,
  { projector, readModels }: ReturnType<typeof createReading>,
): SharedHttpServices {
  const { env, config, background, clock, database } = world;
  const { keyTexts } = secrets;
  return {
    clock,
    accessTokens: secrets.accessTokens,
    consistencyTokens: secrets.consistencyTokens,
    epoch: config.epoch,
    corsOrigins: config.corsOrigins,
    brand: config.brand,
    showsEmails: config.email.transport === 'console',
    publicUrl: config.publicUrl,
    keyedHashes: secrets.fingerprints,
    limiters: {
      network: env.NETWORK_LIMIT,
      registration: env.REGISTRATION_LIMIT,
      'sign-in': env.SIGN_IN_LIMIT,
      reset: env.RESET_LIMIT,
      'password-check': env.PASSWORD_CHECK_LIMIT,
      account: env.ACCOUNT_LIMIT,
      'api-key': env.API_KEY_LIMIT,
      'wrong-key': env.WRONG_KEY_LIMIT,
    },
    isKnownNetwork: createIsKnownNetwork({ database, clock, hashesOf: secrets.networkHashes }),
    keyTexts,
    keyAccess: createKeyAccess({ readModels, accessView, keyView, keyTexts, clock }),
    noteKeyUse: createNoteKeyUse({ database: background, clock, projector }),
    isMetricsToken: (text) => isSecret(config.metricsToken, text),
  };
}

/**
 * Makes the services that all invocations of an isolate share. They hold bindings, configuration and values; a session, a
 * stream or a promise of one request must never be among them, because the runtime ties it to that request.
 * @throws ConfigError when a variable or secret is missing or weak
 */
export function createSharedServices(env: Env, overrides: Overrides) {
  const world = connect(env, overrides);
  const secrets = createSecrets(world);
  const reading = createReading(world);
  const sending = createSending(world);
  const { background, clock, logger, wait } = world;
  const { due, dispatch } = sending;
  const eraser = createEraser({ database: background, clock, rowsWithoutEvents });
  return {
    ...world,
    ...secrets,
    ...reading,
    ...sending,
    relay: createRelay({ database: background, due, dispatch, projector: reading.projector, clock, wait, logger }),
    eraser,
    findErasure: eraser.findFirst,
    http: createHttpServices(world, secrets, reading),
  };
}

export type SharedServices = ReturnType<typeof createSharedServices>;
