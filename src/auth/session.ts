import { type CheckedActor, requireAdmin } from '../access/caller';

/**
 * A sign-in with its family of refresh tokens. `version` counts the session's events; a session from before 0.4.0 began
 * without an event.
 */
export interface Session {
  id: string;
  userId: string;
  version: number;
  createdAt: string;
  /** Milliseconds. */
  revokedAt: number | null;
  /** A keyed hash of the network from which the account signed in; null where the network is not known. */
  network: string | null;
}

/** One refresh token of a family; it can be used once. Times are milliseconds. */
export interface RefreshToken {
  hash: string;
  sessionId: string;
  expiresAt: number;
  usedAt: number | null;
}

/**
 * A requested password reset; it can be used once. A newer request, a new password, a new e-mail address or the
 * deactivation of the account ends the reset too, and then also sets `usedAt`. Times are milliseconds.
 */
export interface PasswordReset {
  id: string;
  userId: string;
  tokenHash: string;
  expiresAt: number;
  usedAt: number | null;
}

export const lifetimes = {
  refreshTokenMs: 30 * 24 * 3_600_000,
  /** A second use of a token within this time counts as a race of two tabs, and later as a theft. */
  refreshGraceMs: 10_000,
  passwordResetMs: 3_600_000,
  /** How long a network counts as one from which the account signs in. */
  knownNetworkMs: 30 * 24 * 3_600_000,
  /** Within this time after a reset was requested, another request for the account has no effect. */
  betweenResetsMs: 5 * 60_000,
} as const;

export type RefreshDecision = 'rotate' | 'retry' | 'revoke' | 'refuse';

/** Decides about a request with this refresh token. A stolen token revokes its family (RFC 9700, 4.14.2). */
export function decideRefresh(token: RefreshToken, session: Session, now: number): RefreshDecision {
  if (session.revokedAt !== null || token.expiresAt <= now) return 'refuse';
  if (token.usedAt === null) return 'rotate';
  return now - token.usedAt <= lifetimes.refreshGraceMs ? 'retry' : 'revoke';
}

/** Whether a reset was not used before and has not expired. */
export function isResetUsable(reset: PasswordReset, now: number): boolean {
  return reset.usedAt === null && reset.expiresAt > now;
}

/** @throws DomainError `auth.insufficient-role` (403) unless the account is the actor's own, or the actor is an admin */
export function requireOwnSessions(actor: CheckedActor, userId: string): void {
  if (actor.id !== userId) requireAdmin(actor);
}
