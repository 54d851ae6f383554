import { userErrors } from './errors';

/** What a link confirms: the address of a new account, or the address to which an account is to change. */
export const confirmationKinds = ['registration', 'change'] as const;
export type ConfirmationKind = (typeof confirmationKinds)[number];

/**
 * A link that confirms an e-mail address; it works once. An unused one of the kind `change` is the pending change of its account,
 * and an account has one of each kind at most. Times are milliseconds.
 */
export interface EmailConfirmation {
  /** The id of the account, for the link of its welcome e-mail. */
  id: string;
  userId: string;
  kind: ConfirmationKind;
  /** The address to confirm, to which the link was mailed. */
  email: string;
  /** The address that the account had before it changed to `email`; null until then. */
  previousEmail: string | null;
  /** Whether `previousEmail` was confirmed. Version 0.7.0 does not store it, which counts as not confirmed. */
  isPreviousConfirmed: boolean;
  /** When the link ends; after its use, when the row is deleted. */
  expiresAt: number;
  usedAt: number | null;
}

/** Within this time after a link was mailed, no other one is mailed to the same address for the account. */
const betweenLinksMs = 15 * 60_000;

/** A moment, and how long links work; both in milliseconds. */
export interface LinkTime {
  now: number;
  lifetimeMs: number;
}

/** Makes the link that is mailed to an address. */
export function newLink(
  id: string,
  about: Pick<EmailConfirmation, 'userId' | 'kind' | 'email'>,
  { now, lifetimeMs }: LinkTime,
): EmailConfirmation {
  return { id, ...about, previousEmail: null, isPreviousConfirmed: false, expiresAt: now + lifetimeMs, usedAt: null };
}

/** Whether a link was mailed so lately that it stays as it is. */
export function isRecent({ expiresAt }: EmailConfirmation, { now, lifetimeMs }: LinkTime): boolean {
  return expiresAt - lifetimeMs > now - betweenLinksMs;
}

/**
 * The link after its use.
 * @param previous the address that the account changes from. It is kept as long as a link, so that the e-mail finds it that
 * tells the owner of the old address.
 */
export function useLink(
  link: EmailConfirmation,
  previous: Pick<EmailConfirmation, 'previousEmail' | 'isPreviousConfirmed'> | undefined,
  { now, lifetimeMs }: LinkTime,
): EmailConfirmation {
  return { ...link, ...previous, usedAt: now, expiresAt: now + lifetimeMs };
}

/** Whether a pending change of the address has ended, because nobody confirmed it in time. */
export function isExpiredChange({ kind, usedAt, expiresAt }: EmailConfirmation, now: number): boolean {
  return kind === 'change' && usedAt === null && expiresAt <= now;
}

/**
 * Checks that a link still works for its account.
 * @throws DomainError `users.confirmation-used` (422) after the first use, `users.confirmation-ended` (422) for a link that has
 * expired, whose account is inactive, or whose account has another address than the one that was registered
 */
export function requireUsable(
  { kind, email, usedAt, expiresAt }: EmailConfirmation,
  account: { email: string; isActive: boolean },
  now: number,
): void {
  if (usedAt !== null) throw userErrors.confirmationUsed({});
  const isOfOldAddress = kind === 'registration' && email !== account.email;
  if (expiresAt <= now || !account.isActive || isOfOldAddress) throw userErrors.confirmationEnded({});
}
