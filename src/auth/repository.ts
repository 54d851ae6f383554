import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import type { RowsWithoutEvents } from '../access/account-parts';
import { ConcurrencyError } from '../cqrs/writing/errors';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import { limits } from '../platform/limits';
import { accountColumns, users } from '../users/tables';
import type { Account } from './account';
import { lifetimes, type PasswordReset, type RefreshToken, type Session } from './session';
import { passwordResets, refreshTokens, sessions } from './tables';

/** The accounts of the write model, as far as signing in changes them. */
export interface AccountRepository {
  findByEmail(email: string): Promise<Account | undefined>;
  /**
   * Saves the time of a sign-in, if it is the newest one. The account keeps its version, so that sign-ins conflict neither
   * with each other nor with a change of the account. The commit fails if the account has another e-mail address by then.
   */
  saveSignIn(account: Pick<Account, 'id' | 'email'>, at: string): void;
  /** Replaces the hash of the same password; a hash that was changed in the meantime stays. */
  replaceHash(account: Pick<Account, 'id' | 'passwordHash'>, passwordHash: string): void;
  /** Saves a new password, and whether the address is confirmed. */
  savePassword(account: Account, at: string): void;
}

/** A refresh token with its session and account. */
export interface FoundRefreshToken {
  token: RefreshToken;
  session: Session;
  account: Account;
}

/** The sessions of the write model, with their refresh tokens. */
export interface SessionRepository {
  add(session: Session): void;
  find(id: string): Promise<Session | undefined>;
  /** Changes only the version, so that a revocation in the meantime is kept. */
  saveVersion(session: Session): void;
  /** Revokes a session. The commit fails if the session is revoked, or its account deleted, by then. */
  revoke(session: Session, at: number): void;
  /** Adds a token to a family. The commit is refused when the family is revoked by then. */
  addToken(token: RefreshToken): void;
  markUsed(token: RefreshToken, at: number): void;
  revokeAll(userId: string, at: number): void;
  findByTokenHash(hash: string): Promise<FoundRefreshToken | undefined>;
}

export interface PasswordResetRepository {
  /** @param account as it was read; the commit fails if anything of the account has changed since */
  add(reset: PasswordReset, account: Account): void;
  /** Whether a reset was requested after a time, used or not. The commit fails if the answer is another one by then. */
  wasRequestedSince(userId: string, at: number): Promise<boolean>;
  /** Uses a reset, which ends every reset of the account. The commit fails if the reset was used or ended by then. */
  use(reset: PasswordReset, at: number): void;
  /** Ends every reset of an account, so that its links no longer work. */
  endAll(userId: string, at: number): void;
  find(id: string): Promise<{ reset: PasswordReset; account: Account } | undefined>;
}

export function createAccountRepository({ db, stage, guard }: RepositoryContext): AccountRepository {
  return {
    findByEmail: async (email) => (await db.select(accountColumns).from(users).where(eq(users.email, email)))[0],
    saveSignIn({ id, email }, at) {
      guard(
        sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${id} AND ${users.email} = ${email})`,
        () => new ConcurrencyError(),
      );
      stage(
        db
          .update(users)
          .set({ lastLoginAt: sql`max(coalesce(${users.lastLoginAt}, ''), ${at})` })
          .where(eq(users.id, id)),
      );
    },
    replaceHash: (account, passwordHash) =>
      stage(
        db
          .update(users)
          .set({ passwordHash })
          .where(and(eq(users.id, account.id), eq(users.passwordHash, account.passwordHash))),
      ),
    savePassword({ id, version, passwordHash, tokenGeneration, emailConfirmedAt }, updatedAt) {
      const saved = { version, passwordHash, tokenGeneration, emailConfirmedAt, updatedAt };
      stage(db.update(users).set(saved).where(eq(users.id, id)));
    },
  };
}

/** The sessions of an account with their refresh tokens. */
export const sessionsOfAccount: RowsWithoutEvents = {
  most: () => limits.sessionsPerErasureStep,
  select: (userId) => sql`
    SELECT id FROM ${sessions} WHERE user_id = ${userId}
    UNION ALL SELECT t.hash FROM ${sessions} AS s JOIN ${refreshTokens} AS t ON t.session_id = s.id
      WHERE s.user_id = ${userId}`,
  remove: (userId) => [
    sql`DELETE FROM ${refreshTokens} WHERE hash IN (
      SELECT t.hash FROM ${sessions} AS s JOIN ${refreshTokens} AS t ON t.session_id = s.id
      WHERE s.user_id = ${userId} LIMIT ${limits.sessionsPerErasureStep})`,
    sql`DELETE FROM ${sessions} WHERE id IN (
      SELECT id FROM ${sessions} AS s WHERE s.user_id = ${userId}
        AND NOT EXISTS (SELECT 1 FROM ${refreshTokens} AS t WHERE t.session_id = s.id)
      LIMIT ${limits.sessionsPerErasureStep})`,
  ],
};

export function createSessionRepository({ db, stage, guard }: RepositoryContext): SessionRepository {
  return {
    add: (session) => stage(db.insert(sessions).values(session)),
    find: async (id) => (await db.select().from(sessions).where(eq(sessions.id, id)))[0],
    saveVersion: ({ id, version }) => stage(db.update(sessions).set({ version }).where(eq(sessions.id, id))),
    revoke({ id, version }, at) {
      // A new password revokes sessions, and a deletion deletes them, now or later, without an event in the session's stream.
      guard(
        sql`EXISTS (SELECT 1 FROM ${sessions} JOIN ${users} ON ${users.id} = ${sessions.userId}
          WHERE ${sessions.id} = ${id} AND ${sessions.revokedAt} IS NULL)`,
        () => new ConcurrencyError(),
      );
      stage(db.update(sessions).set({ version, revokedAt: at }).where(eq(sessions.id, id)));
    },
    addToken(token) {
      // At a sign-in this commit adds the session after the guard, so the guard allows a session that does not exist.
      guard(
        sql`NOT EXISTS (SELECT 1 FROM ${sessions}
          WHERE ${sessions.id} = ${token.sessionId} AND ${sessions.revokedAt} IS NOT NULL)`,
        () => new ConcurrencyError(),
      );
      stage(db.insert(refreshTokens).values(token));
    },
    markUsed: ({ hash }, at) => stage(db.update(refreshTokens).set({ usedAt: at }).where(eq(refreshTokens.hash, hash))),
    revokeAll: (userId, at) =>
      stage(
        db
          .update(sessions)
          .set({ revokedAt: at })
          .where(and(eq(sessions.userId, userId), isNull(sessions.revokedAt))),
      ),
    async findByTokenHash(hash) {
      const [token, session, account] = await db.batch([
        db.select().from(refreshTokens).where(eq(refreshTokens.hash, hash)),
        db
          .select()
          .from(sessions)
          .where(sql`${sessions.id} = (SELECT session_id FROM refresh_tokens WHERE hash = ${hash})`),
        db
          .select(accountColumns)
          .from(users)
          .where(
            sql`${users.id} = (SELECT s.user_id FROM refresh_tokens AS t JOIN sessions AS s ON s.id = t.session_id
              WHERE t.hash = ${hash})`,
          ),
      ]);
      return token[0] && session[0] && account[0] && { token: token[0], session: session[0], account: account[0] };
    },
  };
}

export function createPasswordResetRepository({ db, stage, guard }: RepositoryContext): PasswordResetRepository {
  const endAll = (userId: string, at: number) =>
    stage(
      db
        .update(passwordResets)
        .set({ usedAt: at })
        .where(and(eq(passwordResets.userId, userId), isNull(passwordResets.usedAt))),
    );
  return {
    add(reset, { id, version }) {
      // What ends links may have happened since the account was read, and must end this one too.
      guard(
        sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${id} AND ${users.version} = ${version})`,
        () => new ConcurrencyError(),
      );
      stage(db.insert(passwordResets).values(reset));
    },
    async wasRequestedSince(userId, at) {
      const isRecent = and(
        eq(passwordResets.userId, userId),
        gt(passwordResets.expiresAt, at + lifetimes.passwordResetMs),
      );
      const recent = await db.select({ id: passwordResets.id }).from(passwordResets).where(isRecent).limit(1);
      guard(
        sql`EXISTS (SELECT 1 FROM ${passwordResets} WHERE ${isRecent}) = ${recent.length}`,
        () => new ConcurrencyError(),
      );
      return recent.length > 0;
    },
    endAll,
    use({ id, userId }, at) {
      guard(
        sql`EXISTS (SELECT 1 FROM ${passwordResets}
          WHERE ${passwordResets.id} = ${id} AND ${passwordResets.usedAt} IS NULL)`,
        () => new ConcurrencyError(),
      );
      endAll(userId, at);
    },
    async find(id) {
      const [reset, account] = await db.batch([
        db.select().from(passwordResets).where(eq(passwordResets.id, id)),
        db
          .select(accountColumns)
          .from(users)
          .where(sql`${users.id} = (SELECT user_id FROM password_resets WHERE id = ${id})`),
      ]);
      return reset[0] && account[0] && { reset: reset[0], account: account[0] };
    },
  };
}
