import { speechFor } from './language';

/** The path of the page that ends e-mails. */
export const unsubscribePath = '/unsubscribe';

/**
 * The links that end the e-mails of an account without a sign-in. A link is signed, so that nobody can make it for somebody
 * else, and has no end, because people find old e-mails; it works while the secret that signed it is the current or the
 * previous one.
 */
export interface UnsubscribeLinks {
  /** @param locale the language of the page (BCP 47); the account itself is not looked for when the page is shown */
  urlFor(userId: string, locale: string): string;
  /** The account that a token is for, whether it exists or not; undefined for a token that this API did not make. */
  userIdOf(token: string): string | undefined;
}

/** @param hashesOf keyed hashes of a text, one for each secret, the current one first */
export function createUnsubscribeLinks(
  hashesOf: (text: string) => readonly [string, ...string[]],
  publicUrl: string,
): UnsubscribeLinks {
  const signaturesOf = (userId: string) => hashesOf(`unsubscribe:${userId}`);
  return {
    urlFor(userId, locale) {
      const query = new URLSearchParams({
        token: `${userId}.${signaturesOf(userId)[0]}`,
        lang: speechFor(locale).language,
      });
      return `${publicUrl}${unsubscribePath}?${query}`;
    },
    userIdOf(token) {
      const [userId = '', signature = '', ...rest] = token.split('.');
      if (rest.length > 0) return undefined;
      // Hashes are compared in place of the signatures, so that the time of the comparison says nothing about these.
      const blind = (text: string) => hashesOf(`unsubscribe-compared:${text}`)[0];
      const isValid = signaturesOf(userId).some((expected) => blind(expected) === blind(signature));
      return isValid ? userId : undefined;
    },
  };
}
