import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import * as z from 'zod';
import { PreconditionFailedError } from '../cqrs/writing/errors';
import { findDatabaseFailure } from '../platform/d1';
import { ConfigError, DomainError, type ErrorDetails, type ErrorKind } from '../platform/errors';
import { describeError } from '../platform/failure';
import { limits } from '../platform/limits';
import { logConfigError } from '../platform/logger';
import { retryAfterSeconds } from '../platform/retry';
import { jsonBytes } from '../platform/split';
import type { RequestContext } from './context';
import { httpErrors } from './errors';
import { setConsistencyToken } from './responses';
import { isTokenEndpoint, toTokenError } from './token-endpoint';
import { pathReference } from './uri';

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
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z
      .string()
      .meta({ format: 'uri-reference', description: 'The path of the request, unless it is very long.' })
      .optional(),
    code: z.string().meta({ examples: ['users.email-taken'] }),
    requestId: z.string(),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string(), code: z.string() }))
      .max(20)
      .meta({ description: 'The first wrong fields.' })
      .optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({
    ref: 'Problem',
    examples: [
      {
        type: 'https://api.example.com/problems/orders.out-of-stock',
        title: 'Conflict',
        status: 409,
        detail:
          'The item 0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11 has 1 pieces left, and the order asks for 2. Order fewer pieces.',
        instance: '/v1/orders',
        code: 'orders.out-of-stock',
        requestId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11',
        details: { itemId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11', stock: 1, quantity: 2 },
      },
    ],
  });

/** The path of the page that explains an error code. */
export function problemPath(code: string): string {
  return `/problems/${code}`;
}

/** The value of `WWW-Authenticate` for a refusal (RFC 6750, 3). */
function challenge(error: DomainError): string | undefined {
  if (error.code === 'auth.required') return 'Bearer realm="frontdesk"';
  if (error.kind === 'unauthenticated') return 'Bearer realm="frontdesk", error="invalid_token"';
  const { scope } = error.details;
  if (error.code === 'auth.insufficient-scope')
    return `Bearer realm="frontdesk", error="insufficient_scope", scope="${scope}"`;
  if (error.code === 'auth.insufficient-role' || error.code === 'auth.key-not-allowed')
    return 'Bearer realm="frontdesk", error="insufficient_scope"';
  return undefined;
}

/** The headers that follow from the details of a refusal. */
function headersOf(
  { acceptEncoding, allowed, retryAfterSeconds }: ErrorDetails,
  status: number,
): Record<string, string> {
  return {
    ...(typeof retryAfterSeconds === 'number' && { 'Retry-After': String(retryAfterSeconds) }),
    ...(Array.isArray(allowed) && status === 405 && { Allow: allowed.join(', ') }),
    // RFC 9110, 12.5.3.
    ...(typeof acceptEncoding === 'string' && status === 415 && { 'Accept-Encoding': acceptEncoding }),
  };
}

/** The largest body of a problem, so that no request makes the API send much more than it received. */
const largestBytes = 16 * 1024;

/** The longest path that a problem repeats. */
const longestInstance = 2000;

/** Leaves out the members that would make a problem too large. The last form contains no text of a request. */
function serialize(body: z.infer<typeof problem>): string {
  const { errors, details, ...rest } = body;
  const { title, status, code, requestId } = body;
  const forms = [
    body,
    { ...rest, errors },
    rest,
    { type: 'about:blank', title, status, detail: title, code, requestId },
  ];
  return JSON.stringify(forms.find((form) => jsonBytes(form) <= largestBytes) ?? forms.at(-1));
}

/**
 * The response to a refusal: problem details of 16 KB at most, or from the token endpoint the form of RFC 6749. The API
 * makes no other responses to refusals.
 */
export function problemResponse(c: RequestContext, error: DomainError) {
  const { code, kind, message: detail, errors, details } = error;
  if (isTokenEndpoint(c.req.path)) {
    const { body, retryAfterSeconds, status } = toTokenError(error);
    // RFC 6749, 5.2.
    const authenticate = status === 401 && { 'WWW-Authenticate': 'Basic realm="frontdesk"' };
    return c.json(body, status, { ...headersOf({ ...details, retryAfterSeconds }, status), ...authenticate });
  }
  const status = statusOf[kind];
  const headers = { 'Content-Type': 'application/problem+json', ...headersOf(details, status) };
  const authenticate = challenge(error);
  if (authenticate) Object.assign(headers, { 'WWW-Authenticate': authenticate });
  const instance = pathReference(c.req.url);
  const body = {
    type: new URL(problemPath(code), c.req.url).href,
    title: titles[status] ?? 'Error',
    status,
    detail,
    ...(instance.length <= longestInstance && { instance }),
    code,
    requestId: c.var.requestId,
    ...(errors && { errors: errors.slice(0, limits.fieldErrorsPerRefusal) }),
    ...(Object.keys(details).length > 0 && { details }),
  } satisfies z.infer<typeof problem>;
  return c.body(serialize(body), status, headers);
}

function toDomainError(error: Error): DomainError | undefined {
  if (error instanceof DomainError) return error;
  if (error instanceof ConfigError) return httpErrors.configuration({ retryAfterSeconds: 60 });
  // hono throws this exception for a body that its parser refuses.
  if (error instanceof HTTPException && error.status === 400) return httpErrors.invalidBody({});
  // A commit without an answer is a DomainError, so here D1 has failed to read, and nothing was changed.
  if (findDatabaseFailure(error)) return httpErrors.databaseUnavailable({ retryAfterSeconds: retryAfterSeconds() });
  return undefined;
}

/** Turns an exception into a response; for an unexpected error the response contains none of its details. */
export function handleError(error: Error, c: RequestContext): Response {
  const expected = toDomainError(error);
  if (error instanceof ConfigError) logConfigError(c.var.logger, error);
  else if (expected?.kind === 'unavailable')
    c.var.logger.warn('request.unavailable', { error: describeError(findDatabaseFailure(error) ?? error) });
  // A stranger must not see the position of the log.
  if (expected instanceof PreconditionFailedError && c.get('caller')) setConsistencyToken(c, expected.seen);
  if (expected) return problemResponse(c, expected);
  c.var.logger.error('request.failed', error);
  return problemResponse(c, httpErrors.internal({}));
}

export function handleNotFound(c: RequestContext): Response {
  return problemResponse(c, httpErrors.notFound({ documentation: '/docs' }));
}
