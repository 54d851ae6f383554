import { defineCommand } from '../cqrs/writing/command';
import type { CommandContext, Transaction, UnitOfWork } from '../cqrs/writing/unit-of-work';
import { isoTime } from '../platform/clock';
import { DomainError } from '../platform/errors';
import { newId } from '../platform/ids';
import { hashPassword, verifyPassword } from '../platform/password';
import { UserPasswordChanged, UserSignedIn } from '../users/events';
import type { UserRepository } from '../users/repository';
import { applyChanges, type User } from '../users/user';
import { PasswordResetRequested, SessionRefreshed, SessionRevoked } from './events';
import type { PasswordResetRepository, SessionRepository } from './repository';
import * as schemas from './schemas';
import { hashSecret, newSecret, type ResetTokens } from './secret-token';
import { decideRefresh, isResetUsable, lifetimes, type Session } from './session';

export interface AuthTransaction {
  users: UserRepository;
  sessions: SessionRepository;
  passwordResets: PasswordResetRepository;
}

/** What a sign-in or a refresh earned; the access token is made from it. */
export interface Grant {
  user: Pick<User, 'id' | 'role'>;
  refreshToken: string;
}

/** The one answer to every refused grant: it does not tell what was wrong. */
export function invalidGrant() {
  return new DomainError('invalid', 'auth.invalid-grant', 'The credentials are wrong, expired or revoked.');
}

/** The commands of signing in and out. */
export function createAuthCommands(unitOfWork: UnitOfWork<AuthTransaction>, resetTokens: ResetTokens) {
  return {
    SignIn: defineCommand(schemas.signIn, ({ username, password }, context) =>
      unitOfWork.run(context, async (tx) => {
        const user = await tx.users.findByEmail(username);
        // Without an account a hash is computed all the same: the answer takes as long.
        const { ok, needsRehash } = await verifyPassword(password, user?.passwordHash);
        if (!user || !ok || !user.isActive) throw invalidGrant();
        const passwordHash = needsRehash ? await hashPassword(password) : user.passwordHash;
        return startSession(tx, { ...user, passwordHash }, context);
      }),
    ),

    RefreshSession: defineCommand(schemas.refresh, async ({ refreshToken }, context) => {
      const hash = hashSecret(refreshToken);
      const outcome = await unitOfWork.run(context, (tx) => rotate(tx, hash, context));
      // Thrown only now: the revocation of a stolen family has to be committed with it.
      if (!outcome.result) throw invalidGrant();
      return { ...outcome, result: outcome.result };
    }),

    SignOut: defineCommand(schemas.logout, async ({ refreshToken }, context) => {
      const hash = hashSecret(refreshToken);
      return unitOfWork.run(context, async (tx) => {
        const found = await tx.sessions.findByTokenHash(hash);
        if (found && found.session.revokedAt === null) revoke(tx, found.session, 'logout', context);
      });
    }),

    RequestPasswordReset: defineCommand(schemas.requestPasswordReset, ({ email }, context) =>
      unitOfWork.run(context, async (tx) => {
        const user = await tx.users.findByEmail(email);
        if (!user?.isActive) return;
        const id = newId();
        const tokenHash = hashSecret(resetTokens.tokenFor(id));
        const expiresAt = context.issuedAt + lifetimes.passwordResetMs;
        tx.passwordResets.add({ id, userId: user.id, tokenHash, expiresAt, usedAt: null });
        tx.record(PasswordResetRequested.create(id, 1, { userId: user.id }));
      }),
    ),

    ConfirmPasswordReset: defineCommand(schemas.confirmPasswordReset, async ({ token, password }, context) => {
      const id = resetTokens.resetIdOf(token);
      if (!id) throw invalidResetToken();
      const tokenHash = hashSecret(token);
      const passwordHash = await hashPassword(password);
      return unitOfWork.run(context, async (tx) => {
        const found = await tx.passwordResets.find(id);
        if (
          !found?.user.isActive ||
          found.reset.tokenHash !== tokenHash ||
          !isResetUsable(found.reset, context.issuedAt)
        ) {
          throw invalidResetToken();
        }
        const { reset, user } = found;
        const next = applyChanges(user, { passwordHash }, { iso: isoTime(context.issuedAt), ms: context.issuedAt });
        tx.users.save(next);
        tx.passwordResets.markUsed(reset, context.issuedAt);
        tx.sessions.revokeAll(user.id, context.issuedAt);
        tx.record(UserPasswordChanged.create(user.id, next.version, { by: 'reset' }));
      });
    }),
  };
}

function invalidResetToken() {
  return new DomainError('invalid', 'auth.invalid-reset-token', 'The reset token is wrong, used or expired.');
}

async function startSession(tx: Transaction<AuthTransaction>, user: User, context: CommandContext): Promise<Grant> {
  const at = isoTime(context.issuedAt);
  const version = user.version + 1;
  const session = { id: newId(), userId: user.id, version: 0, createdAt: at, revokedAt: null };
  tx.users.save({ ...user, version, lastLoginAt: at });
  tx.sessions.add(session);
  const refreshToken = await issueRefreshToken(tx, session.id, context);
  tx.record(UserSignedIn.create(user.id, version, { sessionId: session.id }));
  return { user, refreshToken };
}

/** Undefined when the grant is refused; a family whose old token was used again is revoked. */
async function rotate(
  tx: Transaction<AuthTransaction>,
  hash: string,
  context: CommandContext,
): Promise<Grant | undefined> {
  const found = await tx.sessions.findByTokenHash(hash);
  if (!found?.user.isActive) return undefined;
  const { token, session, user } = found;
  const decision = decideRefresh(token, session, context.issuedAt);
  if (decision === 'retry') {
    throw new DomainError(
      'invalid',
      'auth.refresh-raced',
      'This refresh token was used a moment ago; use the newer one.',
      {
        details: { retryAfterSeconds: 1 },
      },
    );
  }
  if (decision === 'revoke') revoke(tx, session, 'reuse', context);
  if (decision !== 'rotate') return undefined;
  const version = session.version + 1;
  tx.sessions.saveVersion({ ...session, version });
  tx.sessions.markUsed(token, context.issuedAt);
  const refreshToken = await issueRefreshToken(tx, session.id, context);
  tx.record(SessionRefreshed.create(session.id, version, {}));
  return { user, refreshToken };
}

async function issueRefreshToken(tx: Transaction<AuthTransaction>, sessionId: string, context: CommandContext) {
  const refreshToken = newSecret();
  const hash = hashSecret(refreshToken);
  tx.sessions.addToken({ hash, sessionId, expiresAt: context.issuedAt + lifetimes.refreshTokenMs, usedAt: null });
  return refreshToken;
}

function revoke(
  tx: Transaction<AuthTransaction>,
  session: Session,
  reason: 'logout' | 'reuse',
  context: CommandContext,
) {
  const version = session.version + 1;
  tx.sessions.revoke({ ...session, version }, context.issuedAt);
  tx.record(SessionRevoked.create(session.id, version, { reason }));
}
