import type { AccountRepository, PasswordResetRepository, SessionRepository } from '../../../src/auth/repository';
import { lifetimes } from '../../../src/auth/session';
import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import { beforeAccountChanges } from './confirmations';
import type { MemoryContext } from './context';
import type { MemoryState } from './state';
import { find, insert, remove, requireParent, select, update } from './table';

/** What the trigger deletes with an account that has no erasure. */
export function removeSessions(next: MemoryState, ownerId: string): void {
  remove(
    next.sessions,
    ({ userId }) => userId === ownerId,
    (id) => remove(next.refreshTokens, ({ sessionId }) => sessionId === id),
  );
}

export function createAccountRepository({ read, stage, guard }: MemoryContext): AccountRepository {
  return {
    findByEmail: async (email) => select(read().users, (user) => user.email === email)[0],
    saveSignIn({ id, email }, at) {
      guard(
        ({ users }) => users.get(id)?.email === email,
        () => new ConcurrencyError(),
      );
      stage((next) => {
        const before = find(next.users, id)?.lastLoginAt ?? '';
        update(next.users, id, { lastLoginAt: before > at ? before : at });
      });
    },
    replaceHash: (account, passwordHash) =>
      stage((next) => {
        const isSame = find(next.users, account.id)?.passwordHash === account.passwordHash;
        if (isSame) update(next.users, account.id, { passwordHash });
      }),
    savePassword: ({ id, version, passwordHash, tokenGeneration, emailConfirmedAt }, updatedAt) =>
      stage((next) => {
        beforeAccountChanges(next, id, { tokenGeneration });
        update(next.users, id, { version, passwordHash, tokenGeneration, emailConfirmedAt, updatedAt });
      }),
  };
}

export function createSessionRepository({ read, stage, guard }: MemoryContext): SessionRepository {
  return {
    add: (session) =>
      stage((next) => {
        insert(next.sessions, 'sessions.id', session.id, session);
      }),
    find: async (id) => find(read().sessions, id),
    saveVersion: ({ id, version }) => stage((next) => update(next.sessions, id, { version })),
    revoke({ id, version }, revokedAt) {
      guard(
        ({ sessions, users }) => sessions.get(id)?.revokedAt === null && users.has(sessions.get(id)?.userId ?? ''),
        () => new ConcurrencyError(),
      );
      stage((next) => update(next.sessions, id, { version, revokedAt }));
    },
    addToken(token) {
      guard(
        ({ sessions }) => (sessions.get(token.sessionId)?.revokedAt ?? null) === null,
        () => new ConcurrencyError(),
      );
      stage((next) => {
        requireParent(next.sessions, token.sessionId);
        insert(next.refreshTokens, 'refresh_tokens.hash', token.hash, token);
      });
    },
    markUsed: ({ hash }, usedAt) => stage((next) => update(next.refreshTokens, hash, { usedAt })),
    revokeAll: (userId, revokedAt) =>
      stage((next) => {
        const valid = select(next.sessions, (session) => session.userId === userId && session.revokedAt === null);
        for (const { id } of valid) update(next.sessions, id, { revokedAt });
      }),
    async findByTokenHash(hash) {
      const { refreshTokens, sessions, users } = read();
      const token = find(refreshTokens, hash);
      const session = token && find(sessions, token.sessionId);
      const account = session && find(users, session.userId);
      return token && session && account && { token, session, account };
    },
  };
}

export function createPasswordResetRepository({ read, stage, guard }: MemoryContext): PasswordResetRepository {
  const endAll = (ownerId: string, usedAt: number) =>
    stage((next) => {
      const unused = select(next.passwordResets, (reset) => reset.userId === ownerId && reset.usedAt === null);
      for (const { id } of unused) update(next.passwordResets, id, { usedAt });
    });
  return {
    add(reset, { id, version }) {
      guard(
        ({ users }) => users.get(id)?.version === version,
        () => new ConcurrencyError(),
      );
      stage((next) => {
        requireParent(next.users, reset.userId);
        insert(next.passwordResets, 'password_resets.id', reset.id, reset);
      });
    },
    async wasRequestedSince(ownerId, at) {
      const isFound = ({ passwordResets }: MemoryState) =>
        select(
          passwordResets,
          ({ userId, expiresAt }) => userId === ownerId && expiresAt > at + lifetimes.passwordResetMs,
        ).length > 0;
      const found = isFound(read());
      guard(
        (state) => isFound(state) === found,
        () => new ConcurrencyError(),
      );
      return found;
    },
    endAll,
    use({ id, userId }, usedAt) {
      guard(
        ({ passwordResets }) => passwordResets.get(id)?.usedAt === null,
        () => new ConcurrencyError(),
      );
      endAll(userId, usedAt);
    },
    async find(id) {
      const { passwordResets, users } = read();
      const reset = find(passwordResets, id);
      const account = reset && find(users, reset.userId);
      return reset && account && { reset, account };
    },
  };
}
