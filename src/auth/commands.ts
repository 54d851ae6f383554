import { type AccessTransaction, activeAccount, anyone, type DefineCommand } from '../access/access-rules';
import type { AccessTokens } from '../access/access-token';
import type { AccountStatus } from '../access/caller';
import type { Passwords } from '../access/passwords';
import type { NewEvent } from '../cqrs/log/event';
import type { CommandDetails } from '../cqrs/writing/command';
import { ConcurrencyError } from '../cqrs/writing/errors';
import type { Transaction } from '../cqrs/writing/unit-of-work';
import { newId } from '../platform/ids';
import { UserEmailConfirmed, UserPasswordChanged } from '../users/events';
import { withPassword } from './account';
import { authErrors } from './errors';
import {
  PasswordResetRequested,
  type RevocationReason,
  SessionRefreshed,
  SessionRevoked,
  SessionStarted,
} from './events';
import type { AccountRepository, PasswordResetRepository, SessionRepository } from './repository';
import type { ResetTokens } from './reset-tokens';
import * as schemas from './schemas';
import { hashSecret, newSecret } from './secret-token';
import { decideRefresh, isResetUsable, lifetimes, requireOwnSessions, type Session } from './session';

export interface AuthTransaction extends AccessTransaction {
  accounts: AccountRepository;
  sessions: SessionRepository;
  passwordResets: PasswordResetRepository;
  /** Marks the link that confirms the address of a new account as used; `at` is milliseconds. The users domain provides it. */
  useRegistrationLink(userId: string, at: number): void;
  /** Revokes every API key of an account, and returns the events to record. The domain of the keys provides this function. */
  revokeApiKeys(userId: string): Promise<NewEvent[]>;
}

type Tx = Transaction<AuthTransaction>;
type Details = CommandDetails<undefined>;

export interface AuthServices {
  accessTokens: AccessTokens;
  resetTokens: ResetTokens;
  passwords: Passwords;
  /** A keyed hash of a network, so that the database does not show where people sign in. */
  hashNetwork(network: string): string;
}

/** The commands of signing in and out. */
export function createAuthCommands(
  command: DefineCommand<AuthTransaction>,
  { accessTokens, resetTokens, passwords, hashNetwork }: AuthServices,
) {
  /** Adds a refresh token to a session, and makes the body of the token endpoint's response (RFC 6749, 5.1). */
  async function grant(tx: Tx, { id, role, tokenGeneration }: AccountStatus, sessionId: string, { issuedAt }: Details) {
    const refreshToken = newSecret();
    const expiresAt = issuedAt + lifetimes.refreshTokenMs;
    tx.sessions.addToken({ hash: hashSecret(refreshToken), sessionId, expiresAt, usedAt: null });
    const { token, expiresInSeconds } = await accessTokens.issue({ userId: id, role, tokenGeneration, sessionId });
    return {
      access_token: token,
      token_type: 'Bearer' as const,
      expires_in: expiresInSeconds,
      refresh_token: refreshToken,
    };
  }

  return {
    /**
     * Starts a session. The response holds secrets, so it is never stored. The event belongs to the stream of the session:
     * sign-ins do not wait for each other, and what a client has read of the account stays current for `If-Match`.
     */
    SignIn: command({
      input: schemas.signIn,
      onlyIf: anyone,
      isNeverStored: true,
      readsPrimary: true,
      async handle({ username, password, network }, tx, details) {
        const account = await tx.accounts.findByEmail(username);
        // Without an account a hash is computed too, so that the response takes the same time.
        const { ok, needsRehash } = await passwords.verify(password, account?.passwordHash);
        // Version 0.6.0 knows no service accounts, and lets admins give one a password.
        if (!account || !ok || !account.isActive || account.isService) throw authErrors.invalidGrant({});
        if (needsRehash) tx.accounts.replaceHash(account, await passwords.hash(password));
        // The account was read before the hash was computed. If its tokens have ended or its address has changed since
        // then, the commit fails, and the command decides again.
        tx.access.requireUnchanged(account, () => new ConcurrencyError());
        const session = {
          id: newId(),
          userId: account.id,
          version: 1,
          createdAt: details.at,
          revokedAt: null,
          network: network === undefined ? null : hashNetwork(network),
        };
        tx.sessions.add(session);
        tx.accounts.saveSignIn(account, details.at);
        tx.record(SessionStarted.create(session.id, session.version, { userId: account.id }));
        return grant(tx, account, session.id, details);
      },
    }),

    /**
     * Exchanges a refresh token for a new one. A token that is used again revokes its family. Because this revocation
     * must be committed, a refused refresh returns undefined and does not throw.
     */
    RefreshSession: command({
      input: schemas.refresh,
      onlyIf: anyone,
      isNeverStored: true,
      readsPrimary: true,
      async handle({ refreshToken }, tx, details) {
        const found = await tx.sessions.findByTokenHash(hashSecret(refreshToken));
        if (!found?.account.isActive) return undefined;
        const { token, session, account } = found;
        const decision = decideRefresh(token, session, details.issuedAt);
        if (decision === 'retry') throw authErrors.refreshRaced({ retryAfterSeconds: 1 });
        if (decision === 'revoke') revoke(tx, session, 'reuse', details);
        if (decision !== 'rotate') return undefined;
        // The access token states the role and the generation that were read, so the commit fails if they have changed.
        tx.access.requireUnchanged(account, () => new ConcurrencyError());
        const version = session.version + 1;
        tx.sessions.saveVersion({ ...session, version });
        tx.sessions.markUsed(token, details.issuedAt);
        tx.record(SessionRefreshed.create(session.id, version, {}));
        return grant(tx, account, session.id, details);
      },
    }),

    /** Revokes the family of a refresh token; an unknown token has no effect. */
    SignOut: command({
      input: schemas.logout,
      onlyIf: anyone,
      async handle({ refreshToken }, tx, details) {
        const found = await tx.sessions.findByTokenHash(hashSecret(refreshToken));
        if (found && found.session.revokedAt === null) revoke(tx, found.session, 'logout', details);
      },
    }),

    /** Revokes a session, for the account itself and for admins: its refresh tokens end, and its access tokens soon after. */
    RevokeSession: command({
      input: schemas.revokeSession,
      onlyIf: activeAccount,
      async handle({ userId, sessionId }, tx, details) {
        const { actor } = details;
        requireOwnSessions(actor, userId);
        const session = await tx.sessions.find(sessionId);
        if (!session || session.userId !== userId || session.revokedAt !== null)
          throw authErrors.sessionNotFound({ sessionId });
        revoke(tx, session, actor.id === userId ? 'owner' : 'admin', details);
      },
    }),

    /**
     * Records the request for a reset e-mail, which ends earlier links. An account that has asked a moment ago keeps its
     * link, so that nobody can fill a mailbox, or end a link again and again before its owner reads it.
     */
    RequestPasswordReset: command({
      input: schemas.requestPasswordReset,
      onlyIf: anyone,
      readsPrimary: true,
      async handle({ email }, tx, { issuedAt }) {
        const account = await tx.accounts.findByEmail(email);
        if (!account?.isActive || account.isService) return;
        if (await tx.passwordResets.wasRequestedSince(account.id, issuedAt - lifetimes.betweenResetsMs)) return;
        const id = newId();
        const tokenHash = hashSecret(resetTokens.tokenFor(id));
        const expiresAt = issuedAt + lifetimes.passwordResetMs;
        tx.passwordResets.endAll(account.id, issuedAt);
        tx.passwordResets.add({ id, userId: account.id, tokenHash, expiresAt, usedAt: null }, account);
        tx.record(PasswordResetRequested.create(id, 1, { userId: account.id }));
      },
    }),

    /**
     * Sets a new password with the token from the e-mail, and ends every session and every API key of the account: whoever
     * needs the link does not know who else has the password, and may have made keys with it. Whoever has the token reads
     * the mailbox, so the address is confirmed too: a new address would have ended the token.
     */
    ConfirmPasswordReset: command({
      input: schemas.confirmPasswordReset,
      onlyIf: anyone,
      async handle({ token, password }, tx, { at, issuedAt }) {
        const id = resetTokens.idOf(token);
        const found = id === undefined ? undefined : await tx.passwordResets.find(id);
        const isUsable =
          found?.account.isActive === true &&
          resetTokens.isHashFor(found.reset.id, found.reset.tokenHash) &&
          isResetUsable(found.reset, issuedAt);
        if (!isUsable) throw authErrors.invalidResetToken({});
        const account = withPassword(found.account, await passwords.hash(password));
        const { id: userId, version } = account;
        tx.passwordResets.use(found.reset, issuedAt);
        tx.sessions.revokeAll(userId, issuedAt);
        tx.record(UserPasswordChanged.create(userId, version, { by: 'reset' }));
        for (const revoked of await tx.revokeApiKeys(userId)) tx.record(revoked);
        if (account.emailConfirmedAt !== null) return tx.accounts.savePassword(account, at);
        tx.accounts.savePassword({ ...account, version: version + 1, emailConfirmedAt: at }, at);
        tx.useRegistrationLink(userId, issuedAt);
        const confirmed = { by: 'password-reset', confirmationId: null } as const;
        tx.record(UserEmailConfirmed.create(userId, version + 1, confirmed));
      },
    }),
  };
}

export type AuthCommands = ReturnType<typeof createAuthCommands>;

function revoke(tx: Tx, session: Session, reason: RevocationReason, { issuedAt }: Pick<Details, 'issuedAt'>): void {
  const version = session.version + 1;
  tx.sessions.revoke({ ...session, version }, issuedAt);
  tx.record(SessionRevoked.create(session.id, version, { reason }));
}
