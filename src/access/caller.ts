import { accessErrors } from './errors';
import type { Scope } from './scopes';

export const roles = ['customer', 'agent', 'admin'] as const;
export type Role = (typeof roles)[number];

/** The sender of a request, as the access token states it. The account itself is not checked yet. */
export interface Caller {
  userId: string;
  role: Role;
  /** The token generation that the account had when this token was issued. */
  tokenGeneration: number;
  /** The session in which this token was issued; missing for a key, and in tokens of versions before 0.8.0. */
  sessionId?: string | undefined;
  /** The API key by which the caller acts; its scopes limit the caller further than the role. */
  key?: UsedKey | undefined;
}

/** The API key of a request, or the one for which an access token was issued. */
export interface UsedKey {
  id: string;
  scopes: readonly Scope[];
}

/** The part of an account that decides which tokens are valid, and what their callers may do. */
export interface AccountStatus {
  id: string;
  role: Role;
  isActive: boolean;
  /** A new password, a new role, a deactivation and a deletion raise this number, which ends all earlier tokens. */
  tokenGeneration: number;
}

declare const checked: unique symbol;

/**
 * A caller whose account was checked. Only two checks of this folder make one: the access rules of commands, which add
 * a guard to the commit, and the reader of queries, which reads the access document.
 */
export interface CheckedActor {
  readonly [checked]: true;
  readonly id: string;
  readonly role: Role;
}

/** Whether the caller's token is valid: the account is active, and has the generation and the role of the token. */
export function isTokenValid(status: AccountStatus | undefined, { role, tokenGeneration }: Caller): boolean {
  return status?.isActive === true && status.tokenGeneration === tokenGeneration && status.role === role;
}

/**
 * Marks a caller as checked. Call this function only after a check, or where the commit checks. Both compare the role in
 * the token with the role of the account, so the actor has the role of the account.
 */
export function asChecked({ userId, role }: Caller): CheckedActor {
  // The brand exists only in the types.
  return { id: userId, role } as CheckedActor;
}

/** Whether the actor is an agent or an admin. */
export function isStaff({ role }: Pick<CheckedActor, 'role'>): boolean {
  return role !== 'customer';
}

/** @throws DomainError `auth.insufficient-role` (403) for a customer */
export function requireStaff(actor: CheckedActor): CheckedActor {
  if (!isStaff(actor)) throw accessErrors.insufficientRole({ role: actor.role, allowed: ['agent', 'admin'] });
  return actor;
}

/** @throws DomainError `auth.insufficient-role` (403) for a customer or an agent */
export function requireAdmin(actor: CheckedActor): CheckedActor {
  if (actor.role !== 'admin') throw accessErrors.insufficientRole({ role: actor.role, allowed: ['admin'] });
  return actor;
}
