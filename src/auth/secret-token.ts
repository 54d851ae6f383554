import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits, base64url: an opaque token. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** How a secret is stored: SHA-256 is enough for 256 random bits. Hexadecimal. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** HMAC-SHA256, hexadecimal: a fingerprint that tells nothing about a text that could be guessed. */
export function keyedHash(secret: string, text: string): string {
  return createHmac('sha256', secret).update(`fingerprint:${text}`).digest('hex');
}

/** Reset tokens are derived from the reset's id, so that neither an event nor a queue message has to carry one. */
export interface ResetTokens {
  tokenFor(resetId: string): string;
  /** The reset that a token stands for; undefined when we did not make it. */
  resetIdOf(token: string): string | undefined;
}

export function createResetTokens(tokenSecrets: readonly [string, ...string[]]): ResetTokens {
  const macOf = (resetId: string, secret: string) =>
    createHmac('sha256', secret).update(`password-reset:${resetId}`).digest();
  return {
    tokenFor: (resetId) => `${resetId}.${macOf(resetId, tokenSecrets[0]).toString('base64url')}`,
    resetIdOf(token) {
      const [resetId, mac, ...rest] = token.split('.');
      if (!resetId || !mac || rest.length > 0) return undefined;
      const given = Buffer.from(mac, 'base64url');
      const isOurs = tokenSecrets.some((secret) => {
        const expected = macOf(resetId, secret);
        return expected.length === given.length && timingSafeEqual(expected, given);
      });
      return isOurs ? resetId : undefined;
    },
  };
}
