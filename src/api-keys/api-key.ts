import { type CheckedActor, requireAdmin } from '../access/caller';
import { apiKeyErrors } from './errors';

/** An API key. It never changes; a key that is revoked is deleted. */
export interface ApiKey<Scope extends string = string> {
  id: string;
  userId: string;
  name: string;
  /** A keyed hash of the key's text, which is stored nowhere. */
  hash: string;
  scopes: readonly Scope[];
  createdAt: string;
  /** Milliseconds; null for a key that does not expire. */
  expiresAt: number | null;
}

/** Keys that an account can have at the same time, the expired ones included: all of them are in one document. */
export const keysPerAccount = 20;

/** @throws DomainError `api-keys.not-found` (404) for a key that the actor may not revoke: its existence is secret */
export function requireOwnKey(actor: CheckedActor, key: Pick<ApiKey, 'id' | 'userId'>): void {
  if (actor.id !== key.userId && actor.role !== 'admin') throw apiKeyErrors.notFound({ apiKeyId: key.id });
}

/** @throws DomainError `auth.insufficient-role` (403) unless the account is the actor's own, or the actor is an admin */
export function requireOwnAccount(actor: CheckedActor, userId: string): void {
  if (actor.id !== userId) requireAdmin(actor);
}

/** When a key ends, in milliseconds. @throws DomainError `api-keys.expired` (422) for a time that is not in the future */
export function endOf(expiresAt: string | undefined, now: number): number | null {
  if (expiresAt === undefined) return null;
  const end = Date.parse(expiresAt);
  if (end <= now) throw apiKeyErrors.expired({}, { pointer: '/expiresAt' });
  return end;
}
