import { DomainError } from '../platform/errors';

export const roles = ['customer', 'agent', 'admin'] as const;
export type Role = (typeof roles)[number];

/** A user account as the write side knows it; `version` counts the events of its stream. */
export interface User {
  id: string;
  version: number;
  name: string;
  /** Always lower case: e-mail addresses are compared without regard to case. */
  email: string;
  passwordHash: string;
  role: Role;
  isActive: boolean;
  /** Access tokens issued before this moment (milliseconds) command and read nothing. */
  tokensValidFrom: number;
  createdAt: string;
  updatedAt: string;
  lastLoginAt: string | null;
}

/** What of an account decides whether an access token still stands. */
export type AccountStanding = Pick<User, 'id' | 'role' | 'isActive' | 'tokensValidFrom'>;

/**
 * Whether a token issued at `issuedAt` (milliseconds) still speaks for the account.
 * A token of the very millisecond of the revocation is taken as older.
 */
export function isTokenValid(account: AccountStanding | undefined, issuedAt: number): account is AccountStanding {
  return account?.isActive === true && issuedAt > account.tokensValidFrom;
}

/** @throws DomainError `auth.invalid-token` when the account behind a token is gone, inactive or has revoked it. */
export function requireValidToken<Account extends AccountStanding>(
  account: Account | undefined,
  issuedAt: number,
): Account {
  if (!account || !isTokenValid(account, issuedAt)) {
    throw new DomainError('unauthenticated', 'auth.invalid-token', 'The access token is no longer valid.');
  }
  return account;
}

/** @throws DomainError 403 for what is for agents and admins. */
export function requireStaff(actor: AccountStanding): void {
  if (!isStaff(actor))
    throw new DomainError('forbidden', 'auth.insufficient-role', 'This needs the role agent or admin.');
}

export function requireAdmin(actor: AccountStanding): void {
  if (actor.role !== 'admin') {
    throw new DomainError('forbidden', 'auth.insufficient-role', 'This needs the role admin.');
  }
}

/** Changing or deleting an account is for its owner and for admins. */
export function requireSelfOrAdmin(actor: AccountStanding, userId: string): void {
  if (actor.id !== userId && actor.role !== 'admin') {
    throw new DomainError('forbidden', 'users.not-yours', 'Only the account itself or an admin may do this.');
  }
}

export interface UserChanges {
  name?: string | undefined;
  email?: string | undefined;
  passwordHash?: string | undefined;
  role?: Role | undefined;
  isActive?: boolean | undefined;
}

export type ChangedField = keyof UserChanges;

/** Which fields a change really changes; an empty list means that there is nothing to do. */
export function changedFields(user: User, changes: UserChanges): ChangedField[] {
  const fields: ChangedField[] = ['name', 'email', 'passwordHash', 'role', 'isActive'];
  return fields.filter((field) => changes[field] !== undefined && changes[field] !== user[field]);
}

const revoking: readonly ChangedField[] = ['passwordHash', 'role', 'isActive'];

/** Applies a change: what revokes every token (password, role, activity) moves `tokensValidFrom` to `at`. */
export function applyChanges(user: User, changes: UserChanges, at: { iso: string; ms: number }): User {
  const fields = changedFields(user, changes);
  const next = { ...user, version: user.version + 1, updatedAt: at.iso };
  if (fields.some((field) => revoking.includes(field))) next.tokensValidFrom = at.ms;
  return Object.assign(next, Object.fromEntries(fields.map((field) => [field, changes[field]])));
}

/** A user's preferences; they live and die with the account. */
export interface Settings {
  userId: string;
  version: number;
  locale: string;
  timezone: string;
  emailNotifications: boolean;
  updatedAt: string;
}

export type SettingsChanges = {
  [Field in 'locale' | 'timezone' | 'emailNotifications']?: Settings[Field] | undefined;
};

export function defaultSettings(userId: string, at: string): Settings {
  return { userId, version: 1, locale: 'en', timezone: 'UTC', emailNotifications: true, updatedAt: at };
}

const settingsFields = ['locale', 'timezone', 'emailNotifications'] as const;

export function changedSettings(before: Settings, after: Settings): (typeof settingsFields)[number][] {
  return settingsFields.filter((field) => before[field] !== after[field]);
}

/** Applies what was sent; the very same settings again are no change (the same object comes back). */
export function applySettings(settings: Settings, changes: SettingsChanges, at: string): Settings {
  const sent = Object.entries(changes).filter(([, value]) => value !== undefined);
  const next = Object.assign({ ...settings }, Object.fromEntries(sent));
  if (changedSettings(settings, next).length === 0) return settings;
  return { ...next, version: settings.version + 1, updatedAt: at };
}

/** Looking at other people's accounts is for agents and admins. */
export function isStaff({ role }: AccountStanding): boolean {
  return role !== 'customer';
}
