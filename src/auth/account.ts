import type { AccountStatus } from '../access/caller';

/** An account as far as signing in needs it. `version` counts the events of the account's stream; a sign-in is none of them. */
export interface Account extends AccountStatus {
  version: number;
  email: string;
  passwordHash: string;
  /** When the present address was confirmed; null for one that nobody has confirmed. */
  emailConfirmedAt: string | null;
}

/** The account with a new password, which ends every token that was issued before. */
export function withPassword<State extends Account>(account: State, passwordHash: string): State {
  return {
    ...account,
    passwordHash,
    version: account.version + 1,
    tokenGeneration: account.tokenGeneration + 1,
  };
}
