import { base64url } from 'jose';
import { z } from 'zod';
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

const tokenSchema = z.strictObject({
  p: z.int().nonnegative(),
  // A bookmark of D1 is groups of hexadecimal digits. Any other text must not reach D1.
  b: z
    .string()
    .max(200)
    .regex(/^[0-9a-zA-Z-]+$/)
    .nullable(),
  e: z.string().max(64),
});

export function encodeConsistencyToken(token: ConsistencyToken): string {
  return base64url.encode(JSON.stringify({ p: token.position, b: token.bookmark, e: token.epoch }));
}

/** @throws DomainError `http.invalid-consistency-token` for a text that is not a token of this API */
export function decodeConsistencyToken(text: string): ConsistencyToken {
  try {
    if (text.length > 512) throw new Error('The token is longer than any that this API makes.');
    const { p, b, e } = tokenSchema.parse(JSON.parse(new TextDecoder().decode(base64url.decode(text))));
    return { position: p, bookmark: b, epoch: e };
  } catch (cause) {
    throw consistencyTokenErrors.invalid({}, { cause });
  }
}
