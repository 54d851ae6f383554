import { base64url } from 'jose';
import * as z from 'zod';
import { defineError } from '../../platform/errors';

/** A commit's position in the event log, and the D1 bookmark that makes a replica at least as new as the commit. */
export interface CommitPoint {
  position: number;
  bookmark: string | null;
}

/** The newest state that a client has seen. With this token in `Consistency-Token`, the client reads no older state. */
export interface ConsistencyToken extends CommitPoint {
  epoch: string;
}

export const consistencyTokenErrors = {
  invalid: defineError({
    code: 'http.invalid-consistency-token',
    kind: 'bad-request',
    meaning: 'The Consistency-Token header does not hold a token that this API made.',
    remedy: 'Send the Consistency-Token of an earlier response unchanged, or leave the header out.',
    text: () =>
      'The Consistency-Token is not one that this API made. Send the header of an earlier response unchanged, or none.',
  }),
};

const payloadSchema = z.strictObject({
  p: z.int().nonnegative(),
  // A bookmark of D1 is groups of hexadecimal digits. Any other text must not reach D1.
  b: z
    .string()
    .max(200)
    .regex(/^[0-9a-zA-Z-]+$/)
    .nullable(),
  e: z.string().max(64),
});

/** The content of a token as a text. A token is this text, a dot, and a MAC of the text (`http/consistency-tokens.ts`). */
export function encodePayload(token: ConsistencyToken): string {
  return base64url.encode(JSON.stringify({ p: token.position, b: token.bookmark, e: token.epoch }));
}

/**
 * Reads the content of a token without its MAC, so that nothing may be decided on it but which of two tokens is newer.
 * Clients do that, who have no secret.
 * @throws Error for a text that has not the form of a token
 */
export function readUnverified(token: string): ConsistencyToken {
  if (token.length > 512) throw new Error('The token is longer than any that this API makes.');
  const [payload = '', mac, ...rest] = token.split('.');
  if (!mac || rest.length > 0) throw new Error('The token has no MAC.');
  const { p, b, e } = payloadSchema.parse(JSON.parse(new TextDecoder().decode(base64url.decode(payload))));
  return { position: p, bookmark: b, epoch: e };
}
