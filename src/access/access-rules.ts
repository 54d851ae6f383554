import type { DefineCommand as Define } from '../cqrs/writing/command';
import type { CommandContext } from '../cqrs/writing/unit-of-work';
import type { AccessRepository } from './access-repository';
import { asChecked, type Caller, type CheckedActor, requireAdmin } from './caller';
import { accessErrors } from './errors';

/** The part of each command's transaction with which the access rule adds its guard. */
export interface AccessTransaction {
  access: AccessRepository;
}

/**
 * Defines a command of a domain whose handler uses `Repositories`. Every command names one of the rules below, and
 * `createDefineCommand` in cqrs/writing/command.ts runs it.
 */
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

/**
 * Makes a rule for a part of the active accounts. The commit checks the role by which `require` decides, so a role that was
 * changed in the meantime does not count.
 * @param require throws for an account that the rule refuses
 */
export function activeAccountThat(require: (actor: CheckedActor) => CheckedActor): typeof activeAccount {
  return (caller, tx) => require(activeAccount(caller, tx));
}

/** The caller has an active account with the role admin. */
export function activeAdmin(caller: Caller | undefined, tx: AccessTransaction): CheckedActor {
  return requireAdmin(activeAccount(caller, tx));
}
