import type { DefineCommand as Define } from '../cqrs/writing/command';
import type { CommandContext } from '../cqrs/writing/unit-of-work';
import type { AccessRepository } from './access-repository';
import { asChecked, type Caller, type CheckedActor, requireAdmin } from './caller';
import { accessErrors } from './errors';

/** What every command's transaction has, so that its access rule can add the guard. */
export interface AccessTransaction {
  access: AccessRepository;
}

/** Defines a command of a domain whose handler uses `Repositories`; every command names one of the rules below. */
export type DefineCommand<Repositories extends object> = Define<Repositories & AccessTransaction, Caller>;

/** The context of a command that a caller sends. */
export type CallerContext = CommandContext<Caller>;

/** The command needs no credentials. */
export function anyone(): undefined {
  return undefined;
}

/**
 * The caller has an active account and a token that is not revoked. The commit checks both, so the rule costs no round
 * trip.
 * @throws DomainError `auth.required` for a request without a token
 */
export function activeAccount(caller: Caller | undefined, { access }: AccessTransaction): CheckedActor {
  if (!caller) throw accessErrors.required({});
  access.requireValidToken(caller);
  return asChecked(caller);
}

/** An active account that is an admin's. */
export function activeAdmin(caller: Caller | undefined, tx: AccessTransaction): CheckedActor {
  return requireAdmin(activeAccount(caller, tx));
}
