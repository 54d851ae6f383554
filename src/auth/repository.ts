import { and, eq, isNull, sql } from 'drizzle-orm';
import type { RepositoryContext } from '../cqrs/writing/d1-unit-of-work';
import { ConcurrencyError } from '../platform/errors';
import { users } from '../users/tables';
import type { User } from '../users/user';
import type { PasswordReset, RefreshToken, Session } from './session';
import { passwordResets, refreshTokens, sessions } from './tables';

export interface FoundRefreshToken {
  token: RefreshToken;
  session: Session;
  user: User;
}

/** Sign-ins with their refresh tokens. */
export interface SessionRepository {
  add(session: Session): void;
  /** Moves only the version on: what a revocation wrote meanwhile stays. */
  saveVersion(session: Session): void;
  revoke(session: Session, at: number): void;
  /** Adds a token to a family, unless the family is revoked by the time of the commit: then the commit is refused. */
  addToken(token: RefreshToken): void;
  markUsed(token: RefreshToken, at: number): void;
  revokeAll(userId: string, at: number): void;
  findByTokenHash(hash: string): Promise<FoundRefreshToken | undefined>;
}

export interface PasswordResetRepository {
  add(reset: PasswordReset): void;
  markUsed(reset: PasswordReset, at: number): void;
  find(id: string): Promise<{ reset: PasswordReset; user: User } | undefined>;
}

/** The domain errors behind the constraints of this domain's tables. */
export const authConstraints = {
  // A family that was revoked meanwhile: fresh state will say so.
  'refresh_tokens.session_id': () => new ConcurrencyError(),
};

export function createSessionRepository({ db, stage }: RepositoryContext): SessionRepository {
  return {
    add: (session) => stage(db.insert(sessions).values(session)),
    saveVersion: ({ id, version }) => stage(db.update(sessions).set({ version }).where(eq(sessions.id, id))),
    revoke: ({ id, version }, at) =>
      stage(db.update(sessions).set({ version, revokedAt: at }).where(eq(sessions.id, id))),
    addToken: ({ sessionId, ...token }) => {
      const open = sql<string>`(SELECT ${sessions.id} FROM ${sessions}
        WHERE ${sessions.id} = ${sessionId} AND ${sessions.revokedAt} IS NULL)`;
      stage(db.insert(refreshTokens).values({ ...token, sessionId: open }));
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
      const [token, session, user] = await db.batch([
        db.select().from(refreshTokens).where(eq(refreshTokens.hash, hash)),
        db
          .select()
          .from(sessions)
          .where(sql`${sessions.id} = (SELECT session_id FROM refresh_tokens WHERE hash = ${hash})`),
        db
          .select()
          .from(users)
          .where(
            sql`${users.id} = (SELECT s.user_id FROM refresh_tokens AS t JOIN sessions AS s ON s.id = t.session_id
              WHERE t.hash = ${hash})`,
          ),
      ]);
      return token[0] && session[0] && user[0] && { token: token[0], session: session[0], user: user[0] };
    },
  };
}

export function createPasswordResetRepository({ db, stage }: RepositoryContext): PasswordResetRepository {
  return {
    add: (reset) => stage(db.insert(passwordResets).values(reset)),
    markUsed: ({ id }, at) => stage(db.update(passwordResets).set({ usedAt: at }).where(eq(passwordResets.id, id))),
    async find(id) {
      const [reset, user] = await db.batch([
        db.select().from(passwordResets).where(eq(passwordResets.id, id)),
        db.select().from(users).where(sql`${users.id} = (SELECT user_id FROM password_resets WHERE id = ${id})`),
      ]);
      return reset[0] && user[0] && { reset: reset[0], user: user[0] };
    },
  };
}
