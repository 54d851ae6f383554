import { type AccountStatus, type CheckedActor, isStaff, type Role } from '../access/caller';
import { userErrors } from './errors';

/** An account of the write model. `version` counts the events of its stream. */
export interface User extends AccountStatus {
  version: number;
  name: string;
  /** Always in lower case, because addresses that differ only in case are the same address. */
  email: string;
  passwordHash: string;
  createdAt: string;
  updatedAt: string;
  lastLoginAt: string | null;
  /** When the present address was confirmed; null for one that nobody has confirmed. */
  emailConfirmedAt: string | null;
}

/** @throws DomainError `users.not-yours` (403): only the account itself and admins may change or delete it */
export function requireSelfOrAdmin(actor: CheckedActor, userId: string): void {
  if (actor.id !== userId && actor.role !== 'admin') throw userErrors.notYours({ userId });
}

/** @throws DomainError `users.not-found` (404) for an account that the actor may not see: its existence is secret */
export function requireReadable(actor: CheckedActor, userId: string): void {
  if (actor.id !== userId && !isStaff(actor)) throw userErrors.notFound({ userId });
}

/** What one command changes of an account. The e-mail address is not among it: it changes when a link confirms the new one. */
export interface UserChanges {
  name?: string | undefined;
  passwordHash?: string | undefined;
  role?: Role | undefined;
  isActive?: boolean | undefined;
}

export type ChangedField = keyof UserChanges;

/** The fields that differ after a change; an empty list means that the change has no effect. */
export function changedFields(user: User, changes: UserChanges): ChangedField[] {
  const fields: ChangedField[] = ['name', 'passwordHash', 'role', 'isActive'];
  return fields.filter((field) => changes[field] !== undefined && changes[field] !== user[field]);
}

const revokingFields: readonly ChangedField[] = ['passwordHash', 'role', 'isActive'];

/** Whether the account can administer the installation. */
export function isActiveAdmin({ role, isActive }: Pick<User, 'role' | 'isActive'>): boolean {
  return role === 'admin' && isActive;
}

/** Applies a change. A new password, a new role, or a change of `isActive` raises the token generation. */
export function applyChanges(user: User, changes: UserChanges, at: string): User {
  const fields = changedFields(user, changes);
  const isRevoking = fields.some((field) => revokingFields.includes(field));
  const next: User = {
    ...user,
    version: user.version + 1,
    updatedAt: at,
    tokenGeneration: user.tokenGeneration + (isRevoking ? 1 : 0),
  };
  return Object.assign(next, Object.fromEntries(fields.map((field) => [field, changes[field]])));
}

/** The account with its address confirmed, which may be a new one; `version` is that of the last event about it. */
export function withConfirmedEmail(user: User, email: string, version: number, at: string): User {
  return { ...user, email, version, emailConfirmedAt: at, updatedAt: at };
}
