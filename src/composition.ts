import type { CallerContext } from './access/access-rules';
import { createPasswords } from './access/passwords';
import { createReader, type ReadRequest } from './access/reader';
import { keyView } from './api-keys/views';
import type { Consumer } from './consumers/consumer';
import type { AddressedEvent } from './consumers/dispatch';
import { baseNameOf, queueNames } from './consumers/queues';
import { createRebuildConsumer } from './consumers/rebuilds';
import type { RecordedEvent, Subscription } from './cqrs/log/event';
import { createInlineProjection } from './cqrs/reading/inline-projection';
import { createDefineCommand } from './cqrs/writing/command';
import { createD1UnitOfWork } from './cqrs/writing/d1-unit-of-work';
import {
  type Commands,
  constraints,
  createCommands,
  createQueries,
  createRepositories,
  eventCatalogue,
  followUps,
  type Queries,
} from './domains';
import type { HttpServices } from './http/context';
import { createInvocationFigures, type InvocationFigures } from './http/request-figures';
import { createRequestedProjection } from './operations/requested-projection';
import { createBackground } from './platform/background';
import { describeError } from './platform/failure';
import { newId } from './platform/ids';
import { createConsumers } from './shared-consumers';
import { createSharedServices, type Overrides, type SharedServices } from './shared-services';
import { erasureRequest } from './users/background-requests';
import type { ErasureStep } from './users/eraser';
import { accessView } from './users/views';

export type { Overrides } from './shared-services';

/** What all invocations with the same bindings share. */
type Shared = SharedServices & { consumers: ReturnType<typeof createConsumers> };

const noOverrides: Overrides = {};
const known = new WeakMap<Env, { overrides: Overrides; shared: Shared }>();

/** The shared services of these bindings, which are made once: the runtime gives every invocation of an isolate the same. */
function shareFor(env: Env, overrides: Overrides): Shared {
  const found = known.get(env);
  if (found?.overrides === overrides) return found.shared;
  const services = createSharedServices(env, overrides);
  const shared = { ...services, consumers: createConsumers(services) };
  known.set(env, { overrides, shared });
  return shared;
}

/** Gives the runtime work that goes on after the response. */
type WaitUntil = (promise: Promise<unknown>) => void;

/** Makes the function that starts the work that follows a commit. If the start fails, the schedule does the work later. */
function createStartFollowUps(shared: Shared, defer: WaitUntil) {
  const { dispatch, logger } = shared;

  /** Sends the deliveries of a commit. The relay sends again what a queue does not take. */
  async function sendFirst(deliveries: readonly AddressedEvent[]): Promise<void> {
    for (const { subscription, events, error } of await dispatch(deliveries)) {
      logger.error('first-send.failed', error, { subscription, deliveries: events.length });
    }
  }

  return (
    committed: readonly RecordedEvent[],
    receiversOf: (event: RecordedEvent) => readonly Subscription[],
  ): void => {
    const deliveries = committed.flatMap((event) =>
      receiversOf(event).map((subscription) => ({ subscription, event })),
    );
    defer(sendFirst(deliveries));
    for (const event of committed) {
      const started = followUps[event.type]?.(shared, event);
      if (started) defer(started.catch((error) => logger.error('follow-up.failed', error, { type: event.type })));
    }
  };
}

/** Makes the function that binds every command to a request; the context is made when a command is sent. */
function createBindCommands(
  shared: Shared,
  { passwords }: Pick<ReturnType<typeof createPasswords>, 'passwords'>,
  { count }: InvocationFigures,
  waitUntil: WaitUntil,
) {
  const { accessTokens, clock, config, database, fingerprints, logger, receivers, wait } = shared;
  return (contextOf: () => CallerContext): Commands => {
    const startFollowUps = createStartFollowUps(shared, waitUntil);
    const projectInline = createInlineProjection({ projector: shared.inlineProjector, wait, waitUntil, logger });
    const projectRequested = createRequestedProjection({ ...shared, database: shared.background, waitUntil });
    const unitOfWork = createD1UnitOfWork({
      database,
      clock,
      catalogue: eventCatalogue,
      createRepositories,
      receivers,
      constraints,
      wait,
      count,
      async onCommitted(committed, receiversOf) {
        startFollowUps(committed, receiversOf);
        await projectInline(committed);
        await projectRequested(committed);
      },
    });
    return createCommands(
      createDefineCommand(unitOfWork, fingerprints, contextOf, wait, () => count('command-repeated')),
      {
        accessTokens,
        resetTokens: shared.resetTokens,
        confirmationTokens: shared.confirmationTokens,
        unsubscribeLinks: shared.unsubscribeLinks,
        keyTexts: shared.keyTexts,
        passwords,
        hashNetwork: (network) => shared.networkHashes(network)[0],
        sellers: config.sellers,
        firstOrderNumber: config.firstOrderNumber,
      },
    );
  };
}

type BindCommands = ReturnType<typeof createBindCommands>;

/** Makes the function that binds every query to a request. */
function createBindQueries(shared: Shared) {
  const { clock, config, database, documents, figures, hashing, origin, readModels, readiness, wait } = shared;
  return (request: ReadRequest): Queries =>
    createQueries(createReader({ readModels, database, accessView, keyView }, request), {
      clock,
      database: readiness,
      documents,
      epoch: config.epoch,
      queues: shared.queues,
      subscriptionsOf: shared.receivers.subscriptionsOf,
      wait,
      lagTargetSeconds: config.lagTargetSeconds,
      origin,
      isolateMetrics: () => figures.read({ hashesWaiting: hashing.turns.waiting(clock.now()) }),
    });
}

/** Makes the consumer of rebuilds and erasures; the second send a command, which is bound to this invocation. */
function createJobConsumer({ clock, env, eraser, logger, rebuilder }: Shared, bindCommands: BindCommands): Consumer {
  async function continueErasure({ userId, step }: ErasureStep) {
    const context = {
      commandId: newId(),
      requestId: erasureRequest(userId, step),
      issuedAt: clock.now(),
      readFrom: 'first-primary',
    };
    return (await bindCommands(() => context).ContinueErasure({ userId, step })).result;
  }
  const { recordFailure } = eraser;
  const run = (step: ErasureStep) => eraser.run(step, continueErasure);
  return createRebuildConsumer(rebuilder, { run, recordFailure }, env.REBUILDS_QUEUE, logger);
}

/** Makes the function that handles a batch of a queue. */
function createConsume(shared: Shared, bindCommands: BindCommands, waitUntil: WaitUntil) {
  const { logger, watermark } = shared;
  const consumers: Shared['consumers'] = {
    ...shared.consumers,
    [queueNames.rebuilds]: createJobConsumer(shared, bindCommands),
  };
  /** Publishes which deliveries are finished. If this fails, the schedule publishes it. */
  async function publishWatermarkNews(): Promise<void> {
    await watermark
      .publishNews()
      .catch((error) => logger.warn('watermark.not-published', { error: describeError(error) }));
  }

  return async (batch: MessageBatch): Promise<void> => {
    const consumer = consumers[baseNameOf(batch.queue)];
    if (!consumer) throw new Error(`The queue ${batch.queue} has no consumer: add it to shared-consumers.ts.`);
    await consumer(batch);
    if (consumer === consumers[queueNames.projections]) waitUntil(publishWatermarkNews());
  };
}

/**
 * Gives an invocation its services. Those that are the same for all invocations are made once for each `env`; the others are
 * bound to this invocation: its background work, its figures, its passwords, its commands and its queries.
 * @throws ConfigError when a variable or secret is missing or weak
 */
export function compose(env: Env, waitUntil: WaitUntil, overrides: Overrides = noOverrides) {
  const shared = shareFor(env, overrides);
  const { clock, hashing, logger, rebuilder, wait, watermark } = shared;
  const figures = createInvocationFigures({ isolate: shared.figures, dataset: env.REQUESTS, logger });
  const { passwords, permitHashing } = createPasswords(hashing, { clock, wait }, () => figures.count('hash-refused'));
  const http: HttpServices = {
    ...shared.http,
    inBackground: createBackground({ clock, logger, wait, waitUntil }),
    permitHashing,
    recordRequest: figures.recordRequest,
  };
  const bindCommands = createBindCommands(shared, { passwords }, figures, waitUntil);
  return {
    config: shared.config,
    clock,
    logger,
    database: shared.background,
    documents: shared.documents,
    http,
    projector: shared.projector,
    relay: shared.relay,
    readModels: shared.readModels,
    publishWatermark: watermark.publish,
    rebuilds: { send: shared.sendRebuildStep, findStalled: rebuilder.findStalled },
    erasures: { send: shared.sendErasureStep, findStalled: shared.eraser.findStalled },
    removeObsoleteDocuments: shared.removeObsoleteDocuments,
    reconcile: shared.reconcile,
    bindCommands,
    bindQueries: createBindQueries(shared),
    /**
     * Handles a batch of a queue.
     * @throws Error for a queue without a consumer, so that its messages are not acknowledged unread
     */
    consume: createConsume(shared, bindCommands, waitUntil),
  };
}

export type Services = ReturnType<typeof compose>;
