import type { FoundRefreshToken, PasswordResetRepository, SessionRepository } from '../../src/auth/repository';
import type { PasswordReset, RefreshToken, Session } from '../../src/auth/session';
import type { RecordedEvent } from '../../src/cqrs/log/event';
import {
  type CommandContext,
  type Committed,
  eventMetadata,
  requireSameRequest,
  type Transaction,
  type UnitOfWork,
} from '../../src/cqrs/writing/unit-of-work';
import { isoTime } from '../../src/platform/clock';
import { ConcurrencyError, DomainError } from '../../src/platform/errors';
import { newId } from '../../src/platform/ids';
import type { AccountOwned } from '../../src/users/commands';
import type { SettingsRepository, UserRepository } from '../../src/users/repository';
import type { Settings, User } from '../../src/users/user';

export interface Repositories {
  users: UserRepository;
  settings: SettingsRepository;
  sessions: SessionRepository;
  passwordResets: PasswordResetRepository;
  ownedByAccount: readonly AccountOwned[];
}

/** Everything that is committed, in tables as plain as D1's. */
export interface MemoryState {
  users: Map<string, User>;
  settings: Map<string, Settings>;
  sessions: Map<string, Session>;
  tokens: Map<string, RefreshToken>;
  resets: Map<string, PasswordReset>;
  events: RecordedEvent[];
  answers: Map<string, { requestHash: string; result: unknown; position: number }>;
}

type Write = (state: MemoryState) => void;

function patch<Row extends object>(table: Map<string, Row>, id: string, values: Partial<Row>): void {
  const row = table.get(id);
  if (row) table.set(id, { ...row, ...values });
}

function createRepositories(state: MemoryState, stage: (write: Write) => void): Repositories {
  const found = (token: RefreshToken | undefined): FoundRefreshToken | undefined => {
    const session = token && state.sessions.get(token.sessionId);
    const user = session && state.users.get(session.userId);
    return token && session && user && { token, session, user };
  };
  return {
    ownedByAccount: [],
    users: {
      add: (user) =>
        stage((next) => {
          if ([...next.users.values()].some(({ email }) => email === user.email)) throw emailTaken();
          next.users.set(user.id, user);
        }),
      save: (user) =>
        stage((next) => {
          if ([...next.users.values()].some(({ id, email }) => id !== user.id && email === user.email))
            throw emailTaken();
          next.users.set(user.id, user);
        }),
      remove: ({ id }) =>
        stage((next) => {
          next.users.delete(id);
          next.settings.delete(id);
          for (const session of next.sessions.values()) if (session.userId === id) next.sessions.delete(session.id);
          for (const token of next.tokens.values())
            if (!next.sessions.has(token.sessionId)) next.tokens.delete(token.hash);
          for (const reset of next.resets.values()) if (reset.userId === id) next.resets.delete(reset.id);
        }),
      findAll: async (ids) => [...state.users.values()].filter(({ id }) => ids.includes(id)),
      findByEmail: async (email) => [...state.users.values()].find((user) => user.email === email),
      hasAdmin: async () => [...state.users.values()].some(({ role }) => role === 'admin'),
    },
    settings: {
      add: (settings) => stage((next) => next.settings.set(settings.userId, settings)),
      save: (settings) => stage((next) => next.settings.set(settings.userId, settings)),
      findWithUsers: async (userId, ids) => ({
        settings: state.settings.get(userId),
        users: [...state.users.values()].filter(({ id }) => ids.includes(id)),
      }),
    },
    sessions: {
      add: (session) => stage((next) => next.sessions.set(session.id, session)),
      saveVersion: ({ id, version }) => stage((next) => patch(next.sessions, id, { version })),
      revoke: ({ id, version }, revokedAt) => stage((next) => patch(next.sessions, id, { version, revokedAt })),
      addToken: (token) =>
        stage((next) => {
          if (next.sessions.get(token.sessionId)?.revokedAt !== null) throw new ConcurrencyError();
          next.tokens.set(token.hash, token);
        }),
      markUsed: ({ hash }, usedAt) => stage((next) => patch(next.tokens, hash, { usedAt })),
      revokeAll: (userId, revokedAt) =>
        stage((next) => {
          for (const session of next.sessions.values()) {
            if (session.userId === userId && session.revokedAt === null)
              patch(next.sessions, session.id, { revokedAt });
          }
        }),
      findByTokenHash: async (hash) => found(state.tokens.get(hash)),
    },
    passwordResets: {
      add: (reset) => stage((next) => next.resets.set(reset.id, reset)),
      markUsed: ({ id }, usedAt) => stage((next) => patch(next.resets, id, { usedAt })),
      async find(id) {
        const reset = state.resets.get(id);
        const user = reset && state.users.get(reset.userId);
        return reset && user && { reset, user };
      },
    },
  };
}

function emailTaken() {
  return new DomainError('already-exists', 'users.email-taken', 'This e-mail address is already registered.');
}

/** A unit of work in memory that keeps the same promises as the one on D1; the contract suite holds both to them. */
export function createMemoryUnitOfWork(): { unitOfWork: UnitOfWork<Repositories>; state(): MemoryState } {
  let state: MemoryState = {
    users: new Map(),
    settings: new Map(),
    sessions: new Map(),
    tokens: new Map(),
    resets: new Map(),
    events: [],
    answers: new Map(),
  };
  return {
    state: () => state,
    unitOfWork: {
      async run<Result>(
        context: CommandContext,
        work: (tx: Transaction<Repositories>) => Promise<Result>,
      ): Promise<Committed<Result>> {
        const { commandId, requestHash } = context;
        const earlier = requestHash === undefined ? undefined : state.answers.get(commandId);
        if (earlier && requestHash !== undefined) {
          requireSameRequest(earlier.requestHash, requestHash);
          // The stored result is what this very command answered the first time.
          const result = earlier.result as Result;
          return { result, commit: { position: earlier.position, bookmark: null }, isReplayed: true };
        }
        const writes: Write[] = [];
        const recorded: RecordedEvent[] = [];
        const repositories = createRepositories(state, (write) => writes.push(write));
        const result = await work({
          ...repositories,
          record: (event) =>
            recorded.push({
              ...event,
              id: newId(),
              position: 0,
              metadata: eventMetadata(context),
              occurredAt: isoTime(context.issuedAt),
            }),
        });
        if (writes.length > 0 && recorded.length === 0) throw new Error('state was staged without an event');
        const next = structuredClone(state);
        if (requestHash !== undefined && next.answers.has(commandId)) throw new ConcurrencyError();
        for (const write of writes) write(next);
        for (const event of recorded) {
          const isTaken = next.events.some(
            ({ streamType, streamId, version }) =>
              streamType === event.streamType && streamId === event.streamId && version === event.version,
          );
          if (isTaken) throw new ConcurrencyError();
          next.events.push({ ...event, position: next.events.length + 1 });
        }
        if (requestHash !== undefined) {
          next.answers.set(commandId, { requestHash, result, position: next.events.length });
        }
        state = next;
        return { result, commit: { position: state.events.length, bookmark: null } };
      },
    },
  };
}
