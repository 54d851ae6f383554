import { createLinkTokens, type LinkTokens } from '../access/link-tokens';
import { hashSecret } from './secret-token';

/** The tokens of password resets. */
export interface ResetTokens extends LinkTokens {
  /**
   * Whether a hash was stored for this reset. The secret may have changed between the request, which stores the hash, and
   * the e-mail, which derives the token.
   */
  isHashFor(resetId: string, tokenHash: string): boolean;
}

export function createResetTokens(tokenSecrets: readonly [current: string, ...previous: string[]]): ResetTokens {
  const tokens = createLinkTokens('password-reset', tokenSecrets);
  return {
    ...tokens,
    isHashFor: (resetId, tokenHash) => tokens.allTokensFor(resetId).some((token) => hashSecret(token) === tokenHash),
  };
}
