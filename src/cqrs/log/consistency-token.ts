import { base64url } from 'jose';
import { z } from 'zod';
import { DomainError } from '../../platform/errors';
import type { CommitPoint } from '../writing/unit-of-work';

/** What a client has seen, sent back as `Consistency-Token`: a read that carries it is never older. */
export interface ConsistencyToken extends CommitPoint {
  epoch: string;
}

const tokenSchema = z.strictObject({
  p: z.int().nonnegative(),
  // D1's bookmarks are groups of hexadecimal digits; anything else must not reach the session.
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

/** @throws DomainError `http.invalid-consistency-token` for anything that we did not make. */
export function decodeConsistencyToken(text: string): ConsistencyToken {
  try {
    if (text.length > 512) throw new Error('too long');
    const { p, b, e } = tokenSchema.parse(JSON.parse(new TextDecoder().decode(base64url.decode(text))));
    return { position: p, bookmark: b, epoch: e };
  } catch (cause) {
    throw new DomainError(
      'bad-request',
      'http.invalid-consistency-token',
      'The Consistency-Token is not one of ours.',
      {
        cause,
      },
    );
  }
}
