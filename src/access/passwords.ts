import { type HashParameters, hashPassword, type PasswordVerification, verifyPassword } from '../platform/password';
import type { RequestTime, Turns } from '../platform/turns';
import { accessErrors } from './errors';

/**
 * Hashes the passwords of one request. It remembers its results for as long as the request lasts, so that a command that
 * runs again, because it lost a race, does not hash again.
 */
export interface Passwords {
  /** @throws DomainError `auth.hashing-busy` (503) when too many requests wait to hash a password */
  hash(password: string): Promise<string>;
  /**
   * Without a stored hash the password is wrong, and the check takes as long.
   * @throws DomainError `auth.hashing-busy` (503) when too many requests wait to hash a password
   */
  verify(password: string, storedHash: string | undefined): Promise<PasswordVerification>;
}

/** How an isolate hashes; tests replace the parameters, because real hashes are slow. */
export interface Hashing {
  turns: Turns;
  parameters?: HashParameters;
}

/** What a client waits after `auth.hashing-busy`; a full queue is empty after less than two seconds. */
const retryAfterSeconds = 2;

/** The passwords of one request, and the permission to hash them, which the request gets when it has asked its limits. */
export function createPasswords(
  { turns, parameters }: Hashing,
  time: RequestTime,
  countRefusal: () => void,
): { passwords: Passwords; permitHashing(): void } {
  let isPermitted = false;
  const results = new Map<string, Promise<unknown>>();

  async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!isPermitted) {
      throw new Error(
        'A password was about to be hashed before the request asked a limit: call a limit of http/rate-limits.ts first.',
      );
    }
    const done = await turns.run(time, work);
    if (!done) countRefusal();
    if (!done) throw accessErrors.hashingBusy({ retryAfterSeconds });
    return done.result;
  }

  function once<Result>(key: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const name = JSON.stringify(key);
    const known = results.get(name) ?? inTurn(work);
    results.set(name, known);
    // A result has the type of its key's work.
    return known as Promise<Result>;
  }

  return {
    permitHashing() {
      isPermitted = true;
    },
    passwords: {
      hash: (password) => once(['hash', password], () => hashPassword(password, parameters)),
      verify: (password, storedHash) =>
        once(['verify', password, storedHash ?? ''], () => verifyPassword(password, storedHash, parameters)),
    },
  };
}
