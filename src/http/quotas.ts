/**
 * Each limit allows `quota` requests in `windowSeconds`. The bindings in wrangler.toml have the same numbers. Why there
 * are so many: docs/decisions/0010-limits-that-lock-nobody-out.md.
 */
export const rateLimits = {
  /** For each network, on operations that hash a password or send an e-mail, and on refreshes. */
  network: { quota: 100, windowSeconds: 60 },
  /** For each network. */
  registration: { quota: 20, windowSeconds: 60 },
  /** For each account from each network, so that nobody can use up the attempts of another network. */
  'sign-in': { quota: 10, windowSeconds: 60 },
  /** For each account from each network, apart from sign-ins: a person who cannot sign in needs the reset. */
  reset: { quota: 5, windowSeconds: 60 },
  /** For each account from each network, where a change needs the current password. */
  'password-check': { quota: 10, windowSeconds: 60 },
  /** For each account from all networks together, against guesses from many networks. A known network passes it. */
  account: { quota: 100, windowSeconds: 60 },
  /** For each API key, from everywhere. */
  'api-key': { quota: 600, windowSeconds: 60 },
  /**
   * For each network, on requests with an API key that is unknown, expired or revoked. A typing error does not count, and a
   * key that was made a moment ago counts once in each isolate.
   */
  'wrong-key': { quota: 20, windowSeconds: 60 },
} as const;

export type LimitName = keyof typeof rateLimits;
