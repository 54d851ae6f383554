/** A sign-in and all the refresh tokens that came of it: the family. `version` counts its events after the sign-in. */
export interface Session {
  id: string;
  userId: string;
  version: number;
  createdAt: string;
  /** Milliseconds. */
  revokedAt: number | null;
}

/** One refresh token of a family; times in milliseconds. */
export interface RefreshToken {
  hash: string;
  sessionId: string;
  expiresAt: number;
  usedAt: number | null;
}

export interface PasswordReset {
  id: string;
  userId: string;
  tokenHash: string;
  expiresAt: number;
  usedAt: number | null;
}

export const lifetimes = {
  refreshTokenMs: 30 * 24 * 3_600_000,
  /** Two tabs may race with one token for this long without the family being taken for stolen. */
  refreshGraceMs: 10_000,
  passwordResetMs: 3_600_000,
} as const;

export type RefreshDecision = 'rotate' | 'retry' | 'revoke' | 'refuse';

/** What presenting a refresh token leads to. A used one is a race at first, and a theft later (RFC 9700, 4.14.2). */
export function decideRefresh(token: RefreshToken, session: Session, now: number): RefreshDecision {
  if (session.revokedAt !== null || token.expiresAt <= now) return 'refuse';
  if (token.usedAt === null) return 'rotate';
  return now - token.usedAt <= lifetimes.refreshGraceMs ? 'retry' : 'revoke';
}

/** Whether a reset is still good for one use. */
export function isResetUsable(reset: PasswordReset, now: number): boolean {
  return reset.usedAt === null && reset.expiresAt > now;
}
