import { revokeKeysOfAccount } from '../../../src/api-keys/commands';
import type { NewEvent, RecordedEvent, Subscription } from '../../../src/cqrs/log/event';
import { requireValidEvent } from '../../../src/cqrs/log/event';
import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import {
  type CommandContext,
  type Committed,
  eventMetadata,
  requireSameRequest,
  type UnitOfWork,
  type Work,
} from '../../../src/cqrs/writing/unit-of-work';
import { constraints, eventCatalogue, ownSubscriptionsOf, type Repositories } from '../../../src/domains';
import { deleteItemsOfAccount } from '../../../src/items/commands';
import { releaseOrdersOfAccount } from '../../../src/orders/commands';
import { type Clock, isoTime, systemClock } from '../../../src/platform/clock';
import { brokenConstraint } from '../../../src/platform/d1';
import { DomainError } from '../../../src/platform/errors';
import { newId } from '../../../src/platform/ids';
import { deleteTicketsOfAccount, releaseTicketsOfAssignee } from '../../../src/tickets/commands';
import { createAccessRepository } from './access';
import { createApiKeyRepository } from './api-keys';
import { createAccountRepository, createPasswordResetRepository, createSessionRepository } from './auth';
import { createEmailConfirmationRepository } from './confirmations';
import type { MemoryContext } from './context';
import { createItemRepository } from './items';
import { createOperationsRepository } from './operations';
import { createOrderRepository } from './orders';
import { emptyState, lastPosition, type MemoryState } from './state';
import { insert } from './table';
import { createTicketRepository } from './tickets';
import { createErasureRepository, createSettingsRepository, createUserRepository } from './users';

/** The repositories of one unit of work in memory, joined as `domains.ts` joins those on D1. */
function createRepositories(context: MemoryContext): Repositories {
  const items = createItemRepository(context);
  const orders = createOrderRepository(context);
  const tickets = createTicketRepository(context);
  const sessions = createSessionRepository(context);
  const passwordResets = createPasswordResetRepository(context);
  const emailConfirmations = createEmailConfirmationRepository(context);
  const apiKeys = createApiKeyRepository(context);
  return {
    access: createAccessRepository(context),
    users: createUserRepository(context),
    settings: createSettingsRepository(context),
    emailConfirmations,
    erasures: createErasureRepository(context),
    accounts: createAccountRepository(context),
    sessions,
    passwordResets,
    apiKeys,
    items,
    orders,
    orderableItems: items,
    tickets,
    operations: createOperationsRepository(context),
    revokeSessions: sessions.revokeAll,
    endPasswordResets: passwordResets.endAll,
    useRegistrationLink: emailConfirmations.useRegistration,
    revokeApiKeys: revokeKeysOfAccount(apiKeys),
    onAccountDeleted: [
      deleteItemsOfAccount(items),
      releaseOrdersOfAccount(orders, items),
      deleteTicketsOfAccount(tickets),
      releaseTicketsOfAssignee(tickets),
    ],
  };
}

interface Guard {
  holds(state: MemoryState): boolean;
  refuse(): Error;
}

/** What one run of a unit of work has collected. */
interface Collected {
  writes: ((next: MemoryState) => void)[];
  guards: Guard[];
  /** The guards of the access rule alone, as soon as the rule has passed. */
  accessGuards?: readonly Guard[];
  recorded: NewEvent[];
}

const responseLifetimeMs = 24 * 3_600_000;

/** JSON loses what D1 would lose too, such as a property that is undefined. */
function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

function requireAll(guards: readonly Guard[], state: MemoryState): void {
  for (const { holds, refuse } of guards) if (!holds(state)) throw refuse();
}

function toDomainError(error: unknown): unknown {
  const names: Readonly<Record<string, () => DomainError>> = constraints;
  return names[brokenConstraint(error) ?? '']?.() ?? error;
}

export interface MemoryUnitOfWork {
  unitOfWork: UnitOfWork<Repositories>;
  /** What is committed now. A test may change it to set up what it needs. */
  state(): MemoryState;
  /** From now on, reads from a replica see the state of this moment. */
  freezeReplica(): void;
}

/** A unit of work in memory that behaves as the one on D1 does; one contract suite runs against both. */
export function createMemoryUnitOfWork({
  clock = systemClock,
  subscriptionsOf = ownSubscriptionsOf,
}: {
  clock?: Clock;
  subscriptionsOf?: (event: NewEvent) => readonly Subscription[];
} = {}): MemoryUnitOfWork {
  let state = emptyState();
  let replica: MemoryState | undefined;

  function findStored<Result>(context: CommandContext, guards: readonly Guard[]): Committed<Result> | undefined {
    const { commandId, formerCommandIds = [], requestHashes } = context;
    const stored = [commandId, ...formerCommandIds].map((id) => state.responses.get(id)).find(Boolean);
    if (requestHashes === undefined || !stored || stored.expiresAt <= clock.now()) return undefined;
    requireAll(guards, state);
    requireSameRequest(stored.requestHash, requestHashes);
    // The stored result is the one that this very command returned the first time.
    const result = structuredClone(stored.result) as Result;
    return { result, commit: { position: stored.position, bookmark: null }, isReplayed: true };
  }

  function storeResponse({ responses }: MemoryState, { commandId, requestHashes }: CommandContext, stored: object) {
    if (requestHashes === undefined) return;
    const [requestHash] = requestHashes;
    const earlier = responses.get(commandId);
    if (earlier && earlier.expiresAt > clock.now()) throw new ConcurrencyError();
    const expiresAt = clock.now() + responseLifetimeMs;
    responses.set(commandId, { requestHash, expiresAt, result: null, position: 0, ...stored });
  }

  function append(next: MemoryState, event: NewEvent, context: CommandContext): void {
    const { streamType, streamId, version } = event;
    const isTaken = next.events.some(
      (other) => other.streamType === streamType && other.streamId === streamId && other.version === version,
    );
    if (isTaken) throw new ConcurrencyError();
    const position = lastPosition(next) + 1;
    const recorded = { ...event, position, id: newId(), occurredAt: isoTime(clock.now()) };
    const metadata = eventMetadata(context);
    next.events.push(throughJson({ ...recorded, metadata }) as RecordedEvent);
    for (const subscription of subscriptionsOf(event)) {
      const row = {
        position,
        subscription,
        status: 'pending',
        attempts: 0,
        failures: 0,
        lastError: null,
        availableAt: clock.now() + 30_000,
      } as const;
      insert(next.deliveries, 'deliveries.position', `${position}-${subscription}`, row);
    }
  }

  /** Applies everything to a copy, which becomes the state only when nothing has failed. */
  function commit(context: CommandContext, { writes, guards, recorded }: Collected, result: unknown): void {
    requireAll(guards, state);
    const next = structuredClone(state);
    const position = lastPosition(next) + recorded.length;
    if (recorded.length > 0 || !context.storesOnlyChanges)
      storeResponse(next, context, { result: throughJson(result), position });
    for (const write of writes) write(next);
    for (const event of recorded) append(next, event, context);
    state = next;
  }

  async function attempt<Actor, Result>(
    context: CommandContext,
    work: Work<Actor, Repositories, Result>,
    collected: Collected,
  ): Promise<Committed<Result>> {
    const { writes, guards, recorded } = collected;
    const isOnPrimary = context.readFrom === 'first-primary';
    const repositories = createRepositories({
      read: () => (isOnPrimary ? state : (replica ?? state)),
      stage: (write) => void writes.push(write),
      guard: (holds, refuse) => void guards.push({ holds, refuse }),
    });
    const record = (event: NewEvent) => {
      requireValidEvent(eventCatalogue, event);
      recorded.push(event);
    };
    const actor = work.authorize(repositories);
    collected.accessGuards = [...guards];
    const stored = findStored<Result>(context, guards);
    if (stored) return stored;
    const result = await work.handle(actor, { ...repositories, record });
    if (writes.length > 0 && recorded.length === 0) throw new Error('A command staged a write without an event.');
    // What a replica shows as unchanged may differ on the primary.
    if (recorded.length === 0 && !isOnPrimary) throw new ConcurrencyError();
    const twin = recorded.length === 0 && context.storesOnlyChanges && findStored<Result>(context, guards);
    if (twin) return twin;
    commit(context, collected, result);
    return { result, commit: { position: lastPosition(state), bookmark: null } };
  }

  return {
    state: () => state,
    freezeReplica() {
      replica = structuredClone(state);
    },
    unitOfWork: {
      async run<Actor, Result>(context: CommandContext, work: Work<Actor, Repositories, Result>) {
        const collected: Collected = { writes: [], guards: [], recorded: [] };
        try {
          return await attempt(context, work, collected);
        } catch (thrown) {
          const error = toDomainError(thrown);
          const isFinal =
            error instanceof DomainError && !(error instanceof ConcurrencyError) && error.kind !== 'unavailable';
          if (!isFinal || context.readFrom !== 'first-primary') throw error;
          const stored = collected.accessGuards && findStored<Result>(context, collected.accessGuards);
          if (stored) return stored;
          requireAll(collected.guards, state);
          throw error;
        }
      },
    },
  };
}
