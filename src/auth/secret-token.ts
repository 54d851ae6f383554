import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createLinkTokens, type LinkTokens } from '../access/link-tokens';

/** Makes an opaque token: 256 random bits in base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The stored form of a token, hexadecimal. SHA-256 is enough, because nobody can guess 256 random bits. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

type Secrets = readonly [current: string, ...previous: string[]];

/**
 * Makes the function for keyed hashes of a text (HMAC-SHA256, hexadecimal), one for each secret. Without a secret, nobody can find
 * the text by trying likely texts.
 */
export function createKeyedHashes(secrets: Secrets): (text: string) => [string, ...string[]] {
  // Encoded once, because every read of an account has a keyed hash in its ETag.
  const encode = (secret: string) => new TextEncoder().encode(secret);
  const [current, previous] = [encode(secrets[0]), secrets.slice(1).map(encode)];
  return (text) => {
    const hash = (key: Uint8Array) => createHmac('sha256', key).update(`fingerprint:${text}`).digest('hex');
    return [hash(current), ...previous.map(hash)];
  };
}

/** The tokens of password resets. */
export interface ResetTokens extends LinkTokens {
  /**
   * Whether a hash was stored for this reset. The secret may have changed between the request, which stores the hash, and
   * the e-mail, which derives the token.
   */
  isHashFor(resetId: string, tokenHash: string): boolean;
}

export function createResetTokens(tokenSecrets: Secrets): ResetTokens {
  const tokens = createLinkTokens('password-reset', tokenSecrets);
  return {
    ...tokens,
    isHashFor: (resetId, tokenHash) => tokens.allTokensFor(resetId).some((token) => hashSecret(token) === tokenHash),
  };
}
