import * as z from 'zod';
import type { DomainError, ErrorKind } from '../platform/errors';

const tokenErrors = [
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'unsupported_grant_type',
  'server_error',
  'temporarily_unavailable',
] as const;
type TokenErrorCode = (typeof tokenErrors)[number];

/** An error of the token endpoint (RFC 6749, 5.2). The last two codes are those that the RFC has for a failing server. */
export const tokenError = z
  .object({
    error: z.enum(tokenErrors),
    error_description: z.string().meta({ examples: ['The account or the password is wrong.'] }),
  })
  .meta({ ref: 'TokenError' });

/** The path of the token endpoint. */
export const tokenPath = '/v1/auth/token';

/** Its two paths. All their answers have the form of RFC 6749, whichever part of the API refuses. */
const paths: readonly string[] = [tokenPath, '/v1/auth/login'];

export function isTokenEndpoint(path: string): boolean {
  return paths.includes(path);
}

/** The refusals for which clients of OAuth know a code of their own. */
const codes: Readonly<Record<string, TokenErrorCode>> = {
  'auth.invalid-client': 'invalid_client',
  'auth.invalid-scope': 'invalid_scope',
  'auth.invalid-grant': 'invalid_grant',
  'auth.refresh-raced': 'invalid_grant',
  'auth.unsupported-grant-type': 'unsupported_grant_type',
  'auth.invalid-token-request': 'invalid_request',
};

/** The refusals that the session of a page has too, as problems. */
const ofSessions: readonly string[] = ['auth.invalid-grant', 'auth.refresh-raced'];

/** Whether only the token endpoint has this refusal, so that no problem ever has its code. */
export function isTokenRefusal(code: string): boolean {
  return code in codes && !ofSessions.includes(code);
}

/** The kinds of refusals that have another status than 400, which is that of RFC 6749. */
const statuses = {
  unauthenticated: 401,
  'method-not-allowed': 405,
  'too-large': 413,
  'unsupported-media-type': 415,
  'too-many': 429,
  internal: 500,
  unavailable: 503,
  // The RFC knows no conflict. The same request can succeed a moment later.
  conflict: 503,
  'already-exists': 503,
} as const satisfies Partial<Record<ErrorKind, number>>;

const isListed = (kind: ErrorKind): kind is keyof typeof statuses => kind in statuses;

function codeOf({ code, kind }: DomainError): TokenErrorCode {
  if (kind === 'internal') return 'server_error';
  if (isListed(kind) && [429, 503].includes(statuses[kind])) return 'temporarily_unavailable';
  return codes[code] ?? 'invalid_request';
}

/** The characters that a description may have: ASCII without control characters, quotation marks and backslashes. */
function toDescription(text: string): string {
  return text.replace(/[‘’“”"]/g, "'").replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]+/g, '?');
}

/** The token endpoint's answer to a refusal: its status, its body and the time to wait. */
export function toTokenError(error: DomainError) {
  const status = isListed(error.kind) ? statuses[error.kind] : (400 as const);
  const body = {
    error: codeOf(error),
    error_description: toDescription(error.message),
  } satisfies z.infer<typeof tokenError>;
  const { retryAfterSeconds = status === 503 ? 1 : undefined } = error.details;
  return { status, body, retryAfterSeconds };
}
