import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a link of an e-mail does. A token of one kind is no token of another kind. */
type LinkKind = 'password-reset' | 'email-confirmation';

/**
 * Derives the token of a link in an e-mail from an id and a secret, so that no event, message or table contains the token. The row
 * with this id says whether the link still works.
 */
export interface LinkTokens {
  tokenFor(id: string): string;
  /** The id that a token is for; undefined for a token that this API did not make. */
  idOf(token: string): string | undefined;
  /** The token of an id with each secret, the current one first. */
  allTokensFor(id: string): string[];
}

export function createLinkTokens(
  kind: LinkKind,
  secrets: readonly [current: string, ...previous: string[]],
): LinkTokens {
  const macOf = (id: string, secret: string) => createHmac('sha256', secret).update(`${kind}:${id}`).digest();
  const tokenOf = (id: string, secret: string) => `${id}.${macOf(id, secret).toString('base64url')}`;
  return {
    tokenFor: (id) => tokenOf(id, secrets[0]),
    allTokensFor: (id) => secrets.map((secret) => tokenOf(id, secret)),
    idOf(token) {
      const [id, mac, ...rest] = token.split('.');
      if (!id || !mac || rest.length > 0) return undefined;
      const given = Buffer.from(mac, 'base64url');
      const isValid = secrets.some((secret) => {
        const expected = macOf(id, secret);
        return expected.length === given.length && timingSafeEqual(expected, given);
      });
      return isValid ? id : undefined;
    },
  };
}
