import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { findDatabaseFailure } from '../platform/d1';
import { DomainError, type ErrorKind } from '../platform/errors';
import { describeError } from '../platform/failure';
import { retryAfterSeconds } from '../platform/retry';
import type { RequestContext } from './context';
import { httpErrors } from './errors';

/** The HTTP status of each kind of refusal. */
export const statusOf = {
  'bad-request': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'already-exists': 409,
  conflict: 409,
  precondition: 412,
  'too-large': 413,
  'unsupported-media-type': 415,
  invalid: 422,
  'too-many': 429,
  internal: 500,
  unavailable: 503,
} satisfies Record<ErrorKind, ContentfulStatusCode>;

export const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Problem details (RFC 9457), with `code`, `requestId`, `errors` and `details` as extensions. */
export const problem = z
  .object({
    type: z.url().meta({ description: 'The page that explains the code and says what to do.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'The path of the request.' }),
    code: z.string().meta({ examples: ['users.email-taken'] }),
    requestId: z.string(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string(), code: z.string() })).optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ ref: 'Problem' });

/** The path of the page that explains an error code. */
export function problemPath(code: string): string {
  return `/problems/${code}`;
}

/** The value of `WWW-Authenticate` for a refusal (RFC 6750, 3). */
function challenge(error: DomainError): string | undefined {
  if (error.code === 'auth.required') return 'Bearer realm="frontdesk"';
  if (error.kind === 'unauthenticated') return 'Bearer realm="frontdesk", error="invalid_token"';
  if (error.code === 'auth.insufficient-role') return 'Bearer realm="frontdesk", error="insufficient_scope"';
  return undefined;
}

/** The response to a refusal, as problem details. */
export function problemResponse(c: RequestContext, error: DomainError) {
  const { code, kind, message: detail, errors, details } = error;
  const status = statusOf[kind];
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json' };
  const authenticate = challenge(error);
  if (authenticate) headers['WWW-Authenticate'] = authenticate;
  if (typeof details.retryAfterSeconds === 'number') headers['Retry-After'] = String(details.retryAfterSeconds);
  if (Array.isArray(details.allowed) && status === 405) headers.Allow = details.allowed.join(', ');
  const body = {
    type: new URL(problemPath(code), c.req.url).href,
    title: titles[status] ?? 'Error',
    status,
    detail,
    instance: c.req.path,
    code,
    requestId: c.var.requestId,
    errors,
    details: Object.keys(details).length > 0 ? details : undefined,
  } satisfies z.infer<typeof problem>;
  return c.body(JSON.stringify(body), status, headers);
}

function toDomainError(error: Error): DomainError | undefined {
  if (error instanceof DomainError) return error;
  // hono throws this exception for a body that its parser refuses.
  if (error instanceof HTTPException && error.status === 400) return httpErrors.invalidBody({});
  // A commit without an answer is a DomainError, so here D1 has failed to read, and nothing was changed.
  if (findDatabaseFailure(error)) return httpErrors.databaseUnavailable({ retryAfterSeconds: retryAfterSeconds() });
  return undefined;
}

/** Turns an exception into a response; for an unexpected error the response contains none of its details. */
export function handleError(error: Error, c: RequestContext): Response {
  const expected = toDomainError(error);
  if (expected?.kind === 'unavailable')
    c.var.logger.warn('request.unavailable', { error: describeError(findDatabaseFailure(error) ?? error) });
  if (expected) return problemResponse(c, expected);
  c.var.logger.error('request.failed', error);
  return problemResponse(c, httpErrors.internal({}));
}

export function handleNotFound(c: RequestContext): Response {
  return problemResponse(c, httpErrors.notFound({ path: c.req.path }));
}
