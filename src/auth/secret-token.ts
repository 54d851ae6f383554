import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

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

/** Derives the token of a password reset from its id and a secret, so that no event or message contains the token. */
export interface ResetTokens {
  tokenFor(resetId: string): string;
  /** The id of the reset that a token is for; undefined for a token that this API did not make. */
  resetIdOf(token: string): string | undefined;
  /**
   * Whether a hash was stored for this reset. The secret may have changed between the request, which stores the hash, and
   * the e-mail, which derives the token.
   */
  isHashFor(resetId: string, tokenHash: string): boolean;
}

export function createResetTokens(tokenSecrets: Secrets): ResetTokens {
  const macOf = (resetId: string, secret: string) =>
    createHmac('sha256', secret).update(`password-reset:${resetId}`).digest();
  const tokenOf = (resetId: string, secret: string) => `${resetId}.${macOf(resetId, secret).toString('base64url')}`;
  return {
    tokenFor: (resetId) => tokenOf(resetId, tokenSecrets[0]),
    isHashFor: (resetId, tokenHash) =>
      tokenSecrets.some((secret) => hashSecret(tokenOf(resetId, secret)) === tokenHash),
    resetIdOf(token) {
      const [resetId, mac, ...rest] = token.split('.');
      if (!resetId || !mac || rest.length > 0) return undefined;
      const given = Buffer.from(mac, 'base64url');
      const isValid = tokenSecrets.some((secret) => {
        const expected = macOf(resetId, secret);
        return expected.length === given.length && timingSafeEqual(expected, given);
      });
      return isValid ? resetId : undefined;
    },
  };
}
