import { createHmac, timingSafeEqual } from 'node:crypto';
import { base64url } from 'jose';
import {
  type ConsistencyToken,
  consistencyTokenErrors,
  encodePayload,
  readUnverified,
} from '../cqrs/log/consistency-token';

/** Makes and reads the values of the header `Consistency-Token`. */
export interface ConsistencyTokens {
  encode(token: ConsistencyToken): string;
  /** @throws DomainError `http.invalid-consistency-token` for a text that this API did not make */
  decode(text: string): ConsistencyToken;
}

const macBytes = 16;

/**
 * Tokens with a MAC: a forged one would send every read to D1's primary, or claim a position that does not exist.
 * @param secrets the first one makes tokens; all of them verify tokens
 */
export function createConsistencyTokens(secrets: readonly [current: string, ...previous: string[]]): ConsistencyTokens {
  // The secrets have other uses too, so the key for this one is derived.
  const keyOf = (secret: string) => createHmac('sha256', secret).update('key:consistency-token').digest();
  const [current, ...previous] = secrets;
  const currentKey = keyOf(current);
  const keys = [currentKey, ...previous.map(keyOf)];
  const macOf = (payload: string, key: Buffer) =>
    createHmac('sha256', key).update(payload).digest().subarray(0, macBytes);

  function isAuthentic(text: string): boolean {
    const [payload = '', mac = ''] = text.split('.');
    const given = Buffer.from(mac, 'base64url');
    // Only one spelling of a MAC counts, so that a token cannot be written in two ways.
    if (given.length !== macBytes || base64url.encode(given) !== mac) return false;
    return keys.some((key) => timingSafeEqual(macOf(payload, key), given));
  }

  return {
    encode(token) {
      const payload = encodePayload(token);
      return `${payload}.${base64url.encode(macOf(payload, currentKey))}`;
    },
    decode(text) {
      try {
        const token = readUnverified(text);
        if (!isAuthentic(text)) throw new Error('The MAC is not the one of this token.');
        return token;
      } catch (cause) {
        throw consistencyTokenErrors.invalid({}, { cause });
      }
    },
  };
}
