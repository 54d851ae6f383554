import { accessErrors } from './errors';

export const roles = ['customer', 'agent', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Who sends a request, as the access token states it. Nothing is checked against the account yet. */
export interface Caller {
  userId: string;
  role: Role;
  /** The generation of the account's tokens under which this token was issued. */
  tokenGeneration: number;
}

/** What of an account decides which tokens are valid, and for what. */
export interface AccountStatus {
  id: string;
  role: Role;
  isActive: boolean;
  /** A new password, a new role, a deactivation and a deletion raise it, which ends every token issued before. */
  tokenGeneration: number;
}

declare const checked: unique symbol;

/**
 * An account that may act. Only the checks of this folder make one: the commit's guard behind the access rules of
 * commands, and the reader's check of the access document.
 */
export interface CheckedActor {
  readonly [checked]: true;
  readonly id: string;
  readonly role: Role;
}

/** Whether a token is valid for the account as it is now: the account is active, and the generation is the token's. */
export function isTokenValid(status: AccountStatus | undefined, caller: Caller): boolean {
  return status?.isActive === true && status.tokenGeneration === caller.tokenGeneration;
}

/**
 * Marks a caller as checked. Call it only where a check has happened or is part of the commit. The role of a token is the
 * account's role as long as the generation is the same, because a change of role raises the generation.
 */
export function asChecked({ userId, role }: Caller): CheckedActor {
  // The brand exists only in the types.
  return { id: userId, role } as CheckedActor;
}

/** Agents and admins. */
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
